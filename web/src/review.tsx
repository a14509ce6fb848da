// Review: one strip against ranked candidates, one key an answer. The next questions are loaded, pictures too, before
// they are needed.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { get, kept, post } from './api'
import { Empty, Note } from './parts'
import {
  Bar,
  type Candidate,
  Contradiction,
  Disputes,
  Key,
  type Outcome,
  type Progress,
  type Refused,
  type Row,
  type Said,
  type Saying,
  Shot,
  type Side,
  Strip,
  called,
  shots,
} from './reviewparts'
import './review.css'

const AHEAD = 5
const pairOf = (row: Row, candidate: Candidate) => `${row.subject.stands},${candidate.stands}`
const sameRow = (a: Row, b: Row) => a.subject.stands === b.subject.stands && a.candidates[0]?.stands === b.candidates[0]?.stands

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
