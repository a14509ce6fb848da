// Review: one strip against ranked candidates, one key an answer. The next questions are loaded, pictures too, before
// they are needed.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { get, kept, post } from './api'
import { Empty, Note, lasted, moment } from './parts'
import './review.css'

type Stay = { tracklet: string; camera: string; start: number; end: number; pictures: string[]; at: number[] }
type Side = { stands: string; identity: string; name: string; stays: Stay[]; tracklets: string[] }
type Candidate = Side & { probability: number; gain: number; odds: number }
type Row = { kind: 'join' | 'part'; subject: Side; candidates: Candidate[] }
type Progress = {
  answered: number
  mine: number
  left: number
  errors_left: number
  misplaced: number
  tracklets: number
  people: number
  disputes: number
  looking: number
}
type Saying = 'same' | 'different' | 'unsure'
type Told = { number: number; by: string; first: string; second: string; said: string }
type Refused = { first: string; second: string; reason: string; against: Told[] }
type Outcome = { taken: Told[]; refused: Refused[]; progress: Progress }
type Dispute = { first: Side; second: Side; answers: Told[] }
type Said = { first: string; second: string; said: Saying; kind: 'join' | 'part' | 'split'; odds?: number; leaving?: string[] }

const AHEAD = 5
const pairOf = (row: Row, candidate: Candidate) => `${row.subject.stands},${candidate.stands}`
const sameRow = (a: Row, b: Row) => a.subject.stands === b.subject.stands && a.candidates[0]?.stands === b.candidates[0]?.stands
/** Of a recording the time since its beginning, else the moment. */
const when = (at: number) => (at < 1e8 ? `${at < 3600 ? '' : `${Math.floor(at / 3600)}:`}${String(Math.floor((at / 60) % 60)).padStart(2, '0')}:${String(Math.floor(at % 60)).padStart(2, '0')}` : moment(at))
const called = (side: Side) => side.name || side.identity

/** The pictures of a strip in order of time, with the stay each belongs to. */
const shots = (side: Side) => side.stays.flatMap((stay) => stay.pictures.map((picture, at) => ({ stay, picture, time: stay.at[at] })))

export function Review() {
  const [sets, setSets] = useState<{ name: string; progress: Progress }[] | null>(null)
  const [chosen, setChosen] = useState('')
  const [error, setError] = useState('')
  useEffect(() => {
    get<{ name: string; progress: Progress }[]>('review').then(
      (found) => {
        setSets(found)
        setChosen(found[0]?.name ?? '')
      },
      (problem: Error) => setError(problem.message),
    )
  }, [])
  const choice =
    sets && sets.length > 1 ? (
      <label class="set">
        Recording
        <select value={chosen} onChange={(e) => setChosen(e.currentTarget.value)}>
          {sets.map((set) => (
            <option key={set.name}>{set.name}</option>
          ))}
        </select>
      </label>
    ) : null
  return (
    <div class="review">
      <div class="reviewhead">
        <h1>Review</h1>
        {choice}
      </div>
      <Note text={error} kind="error" />
      {!sets && !error && <Empty>…</Empty>}
      {chosen && <Desk key={chosen} name={chosen} />}
    </div>
  )
}

function Desk({ name }: { name: string }) {
  const path = `review/${encodeURIComponent(name)}`
  const [rows, setRows] = useState<Row[] | null>(null)
  const [at, setAt] = useState(0)
  const [progress, setProgress] = useState<Progress | null>(null)
  const [refused, setRefused] = useState<Refused | null>(null)
  const [said, setSaid] = useState('')
  const [splitting, setSplitting] = useState<'subject' | 'candidate' | ''>('')
  const [view, setView] = useState<'ask' | 'disputes'>('ask')
  const answered = useRef(new Set<string>())
  const queue = useRef<Row[]>([])
  const row = rows?.[0]
  const candidate = row?.candidates[Math.min(at, row.candidates.length - 1)]

  const show = (next: Row[]) => {
    queue.current = next
    setRows(next)
    for (const row of next.slice(0, 3))
      for (const side of [row.subject, ...row.candidates])
        for (const { picture } of shots(side).slice(0, 24)) new Image().src = kept(picture)
  }
  const fill = useCallback(async () => {
    try {
      const held = [...answered.current].slice(-40).join(';')
      const found = await get<Row[]>(`${path}/rows`, { count: AHEAD, done: held })
      const now = queue.current
      const front = now.slice(0, 1) // what somebody looks at stays
      const rest = found.filter((row) => !front.some((shown) => sameRow(shown, row) || shown.subject.stands === row.subject.stands))
      show([...front, ...rest])
    } catch (problem) {
      setSaid((problem as Error).message)
      setRows((before) => before ?? [])
    }
  }, [path])
  useEffect(() => {
    queue.current = []
    void fill()
    void get<{ name: string; progress: Progress }[]>('review').then((all) => setProgress(all.find((set) => set.name === name)?.progress ?? null))
  }, [fill])
  useEffect(() => {
    if (!progress?.looking) return // the service is still looking through its people, a few with each request
    const timer = setTimeout(() => void get<{ name: string; progress: Progress }[]>('review').then((all) => {
      setProgress(all.find((set) => set.name === name)?.progress ?? null)
      if (!queue.current.length) void fill()
    }), 700)
    return () => clearTimeout(timer)
  }, [progress])

  const drop = (gone: string[]) => {
    for (const pair of gone) answered.current.add(pair)
    const [front, ...rest] = queue.current
    if (!front) return
    const left = front.candidates.filter((c) => !gone.includes(pairOf(front, c)))
    const merged = front.candidates.length !== left.length
    setAt(0)
    show(merged && left.length ? [{ ...front, candidates: left }, ...rest] : rest)
  }
  const answer = async (answers: Said[], ends: boolean) => {
    if (!row) return
    const pairs = answers.map((a) => `${a.first},${a.second}`)
    drop(ends ? row.candidates.map((c) => pairOf(row, c)) : pairs) // the next one is there at once
    setSplitting('')
    setRefused(null)
    try {
      const outcome = await post<Outcome>(`${path}/answers`, { answers })
      setProgress(outcome.progress)
      setRefused(outcome.refused[0] ?? null)
      const kinds = new Set(outcome.taken.map((a) => a.said))
      setSaid(outcome.taken.length ? `${outcome.taken.length > 1 ? `${outcome.taken.length} × ` : ''}${[...kinds].join(', ')}` : '')
      if (queue.current.length < AHEAD) await fill()
    } catch (problem) {
      for (const pair of pairs) answered.current.delete(pair)
      setSaid((problem as Error).message)
      await fill()
    }
  }
  const one = (saying: Saying): Said | null =>
    row && candidate
      ? {
          first: row.subject.stands,
          second: candidate.stands,
          said: saying,
          kind: row.kind,
          odds: candidate.odds,
          leaving: row.kind === 'part' && saying === 'different' ? row.subject.tracklets : [],
        }
      : null
  const say = (saying: Saying) => {
    const given = one(saying)
    if (given) void answer([given], saying === 'same' || row?.candidates.length === 1)
  }
  const none = () => {
    if (!row) return
    const all = row.candidates.map((c): Said => ({
      first: row.subject.stands,
      second: c.stands,
      said: 'different',
      kind: row.kind,
      odds: c.odds,
      leaving: row.kind === 'part' ? row.subject.tracklets : [],
    }))
    void answer(all, true)
  }
  const undo = async (number?: number) => {
    try {
      setProgress(await post<Progress>(`${path}/undo`, number === undefined ? {} : { number }))
      setSaid('taken back')
      setRefused(null)
      answered.current.clear()
      queue.current = []
      setAt(0)
      await fill()
    } catch (problem) {
      setSaid((problem as Error).message)
    }
  }
  const split = async (side: Side, place: number) => {
    const all = shots(side)
    const here = all[place]
    const before = all[place - 1]
    if (!here || !before) return
    try {
      if (here.stay.tracklet === before.stay.tracklet) {
        setProgress(await post<Progress>(`${path}/cuts`, { tracklet: here.stay.tracklet, since: here.time }))
      } else {
        const from = side.stays.findIndex((stay) => stay.tracklet === here.stay.tracklet)
        const leaving = side.stays.slice(from).map((stay) => stay.tracklet)
        const given: Said = { first: here.stay.tracklet, second: before.stay.tracklet, said: 'different', kind: 'split', leaving }
        const outcome = await post<Outcome>(`${path}/answers`, { answers: [given] })
        setProgress(outcome.progress)
        setRefused(outcome.refused[0] ?? null)
      }
      setSaid('split there')
      setSplitting('')
      queue.current = []
      setAt(0)
      await fill()
    } catch (problem) {
      setSaid((problem as Error).message)
    }
  }
  useKeys({
    s: () => say('same'),
    d: () => say('different'),
    u: () => say('unsure'),
    n: none,
    z: () => void undo(),
    x: () => setSplitting((now) => (now === '' ? 'subject' : now === 'subject' ? 'candidate' : '')),
    escape: () => setSplitting(''),
    arrowright: () => row && setAt((now) => (now + 1) % row.candidates.length),
    arrowleft: () => row && setAt((now) => (now + row.candidates.length - 1) % row.candidates.length),
    ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [String(n), () => row && row.candidates[n - 1] && setAt(n - 1)])),
  })

  return (
    <>
      <Bar progress={progress} view={view} setView={setView} said={said} />
      {refused && <Contradiction refused={refused} undo={undo} close={() => setRefused(null)} />}
      {view === 'disputes' ? (
        <Disputes path={path} setProgress={setProgress} />
      ) : !rows ? (
        <Empty>Looking for doubtful pairs …</Empty>
      ) : !row || !candidate ? (
        <Empty>{progress?.looking ? `Still looking through ${progress.looking} people …` : 'Nothing is doubtful any more. Well done.'}</Empty>
      ) : (
        <>
          <p class="ask">
            {row.kind === 'part' ? <>Do both strips, now one person (<b>{called(row.subject)}</b>), show the same one?</> : <>Is this the same person?</>}
            {row.candidates.length > 1 && <small class="faint"> {row.candidates.length} candidates, the likeliest first</small>}
          </p>
          <div class="pair">
            <Strip side={row.subject} label={row.kind === 'part' ? 'This part' : called(row.subject)} splitting={splitting === 'subject'} split={split} />
            <Strip
              side={candidate}
              label={row.kind === 'part' ? 'The rest' : called(candidate)}
              more={<span class="chance">{Math.round(candidate.probability * 100)} % same</span>}
              splitting={splitting === 'candidate'}
              split={split}
            />
          </div>
          {row.candidates.length > 1 && (
            <ol class="candidates" aria-label="Candidates">
              {row.candidates.map((c, place) => (
                <li key={c.stands}>
                  <button class={c === candidate ? 'row quiet chosen' : 'row quiet'} aria-pressed={c === candidate} onClick={() => setAt(place)}>
                    <kbd>{place + 1}</kbd>
                    <Shot picture={shots(c)[0]?.picture ?? ''} about={called(c)} />
                    <span>
                      {called(c)}
                      <br />
                      <small>{Math.round(c.probability * 100)} %</small>
                    </span>
                  </button>
                </li>
              ))}
            </ol>
          )}
          <div class="answers" role="group" aria-label="Answer">
            <Key name="S" label="Same" act={() => say('same')} kind="yes" />
            <Key name="D" label="Different" act={() => say('different')} kind="no" />
            <Key name="U" label="Unsure" act={() => say('unsure')} />
            {row.candidates.length > 1 && <Key name="N" label="None of these" act={none} />}
            <Key name="X" label="Split here" act={() => setSplitting(splitting ? '' : 'subject')} pressed={splitting !== ''} />
            <Key name="Z" label="Undo" act={() => void undo()} />
          </div>
          {splitting && (
            <p class="note" role="status">
              Press the first picture of the other person in the marked strip. X: the other strip; Esc: no split.
            </p>
          )}
        </>
      )}
    </>
  )
}

function Bar({ progress, view, setView, said }: { progress: Progress | null; view: string; setView: (to: 'ask' | 'disputes') => void; said: string }) {
  if (!progress) return null
  const total = progress.answered + progress.left
  return (
    <div class="progressbar">
      <progress max={Math.max(total, 1)} value={progress.answered} aria-label="Answered of what is worth asking" />
      <span>
        <b>{progress.answered}</b> answered ({progress.mine} by you), <b>{progress.left}</b> worth asking · about{' '}
        <b>{Math.round(progress.errors_left)}</b> mistakes left among {progress.tracklets} sightings of {progress.people} people
      </span>
      {(progress.disputes > 0 || view === 'disputes') && (
        <button class="quiet" onClick={() => setView(view === 'ask' ? 'disputes' : 'ask')}>
          {view === 'ask' ? `${progress.disputes} disputed` : 'Back to the questions'}
        </button>
      )}
      <span class="said" role="status">{said}</span>
    </div>
  )
}

function Strip({ side, label, more, splitting, split }: { side: Side; label: string; more?: preact.ComponentChildren; splitting: boolean; split: (side: Side, place: number) => void }) {
  const [first, setFirst] = useState(0)
  const all = shots(side)
  useEffect(() => setFirst(Math.max(0, all.findIndex((shot) => shot.stay.tracklet === side.stands))), [side.stands])
  const big = all[Math.min(first, all.length - 1)]
  const stay = big?.stay ?? side.stays[0]
  return (
    <section class={splitting ? 'side card splitting' : 'side card'} aria-label={label}>
      <p class="sidehead">
        <b>{label}</b> {more}
      </p>
      {big ? <img class="big" src={kept(big.picture)} alt={`${label} at ${big.stay.camera}`} /> : <span class="big none" role="img" aria-label={`no picture of ${label}`} />}
      {stay && (
        <p class="faint">
          <span class="chip">{stay.camera}</span> {when(stay.start)}, {lasted(stay.end - stay.start)}
          {side.stays.length > 1 && ` · ${side.stays.length} sightings`}
        </p>
      )}
      <ol class="shots" aria-label={`Pictures of ${label} in order of time`}>
        {all.map((shot, place) => (
          <li key={shot.picture} class={place > 0 && all[place - 1]?.stay !== shot.stay ? 'begins' : ''}>
            <button
              class="shot"
              aria-label={splitting ? `somebody else from here on, ${shot.stay.camera}` : `show picture ${place + 1}, ${shot.stay.camera}`}
              aria-pressed={place === first}
              disabled={splitting && place === 0}
              onClick={() => (splitting ? split(side, place) : setFirst(place))}
            >
              <Shot picture={shot.picture} about="" />
            </button>
          </li>
        ))}
      </ol>
    </section>
  )
}

const Shot = ({ picture, about }: { picture: string; about: string }) =>
  picture ? <img class="crop small" src={kept(picture)} alt={about} /> : <span class="crop small none" role="img" aria-label={`no picture of ${about}`} />

function Key({ name, label, act, kind, pressed }: { name: string; label: string; act: () => void; kind?: 'yes' | 'no'; pressed?: boolean }) {
  return (
    <button class={kind ? `key ${kind}` : 'key quiet'} onClick={act} aria-pressed={pressed} aria-keyshortcuts={name}>
      {label} <kbd>{name}</kbd>
    </button>
  )
}

function Contradiction({ refused, undo, close }: { refused: Refused; undo: (number: number) => void; close: () => void }) {
  return (
    <div class="note error" role="alert">
      <p>{refused.reason}</p>
      {refused.against.length > 0 && (
        <ul>
          {refused.against.map((answer, place) => (
            <li key={answer.number}>
              {answer.by} said that {answer.first} and {answer.second} are {answer.said}
              {place === 0 && ' (the least probable of these)'}{' '}
              <button class="quiet" onClick={() => undo(answer.number)}>
                Take it back
              </button>
            </li>
          ))}
        </ul>
      )}
      <button class="quiet" onClick={close}>
        Leave it
      </button>
    </div>
  )
}

function Disputes({ path, setProgress }: { path: string; setProgress: (now: Progress) => void }) {
  const [found, setFound] = useState<Dispute[] | null>(null)
  const [error, setError] = useState('')
  const load = () => get<Dispute[]>(`${path}/disputes`).then(setFound, (problem: Error) => setError(problem.message))
  useEffect(() => void load(), [path])
  const say = async (dispute: Dispute, said: Saying) => {
    try {
      const answers = [{ first: dispute.first.stands, second: dispute.second.stands, said }]
      setProgress((await post<Outcome>(`${path}/answers`, { answers })).progress)
      await load()
    } catch (problem) {
      setError((problem as Error).message)
    }
  }
  const nothing = () => undefined
  return (
    <>
      <Note text={error} kind="error" />
      {found && !found.length && <Empty>Nobody disagrees.</Empty>}
      {found?.map((dispute) => (
        <article key={`${dispute.first.stands} ${dispute.second.stands}`} class="dispute">
          <p>{dispute.answers.map((answer) => `${answer.by}: ${answer.said}`).join(' · ')} — a third look, or an admin, decides.</p>
          <div class="pair">
            <Strip side={dispute.first} label={called(dispute.first)} splitting={false} split={nothing} />
            <Strip side={dispute.second} label={called(dispute.second)} splitting={false} split={nothing} />
          </div>
          <div class="answers">
            <button class="key yes" onClick={() => void say(dispute, 'same')}>Same</button>
            <button class="key no" onClick={() => void say(dispute, 'different')}>Different</button>
          </div>
        </article>
      ))}
    </>
  )
}

/** Keys of the page, not while somebody types. */
function useKeys(keys: Record<string, () => void>) {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return
      const act = latest.current[event.key.toLowerCase()]
      if (!act) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', pressed)
    return () => removeEventListener('keydown', pressed)
  }, [])
}
