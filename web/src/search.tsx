// Where else was this person? By a picture, a box on one, a paused camera, or somebody known.
import { useEffect, useRef, useState } from 'preact/hooks'
import { type Camera, type Hit, type Searched, type Sighting, type Visit, get, pictureOf, post, snapshot } from './api'
import { Empty, Note, Picture, called, clock, day, lasted, moment, useLoaded } from './parts'

type Rect = [number, number, number, number]
type Asked = { file?: File; kept?: string; person?: string; which?: number; box?: Rect }
type Within = { camera: string; since: string; until: string }

const seconds = (text: string) => String(new Date(text).getTime() / 1000)

/** ``route``: what the address says after #/search/: kept/REFERENCE or person/ID. */
export function Search({ route }: { route: string[] }) {
  const [asked, setAsked] = useState<Asked>({})
  const [within, setWithin] = useState<Within>({ camera: '', since: '', until: '' })
  const [answer, setAnswer] = useState<Searched | null>(null)
  const [error, setError] = useState('')
  const [busy, setBusy] = useState(false)
  const latest = useRef(0)
  const { found: cameras } = useLoaded(() => get<Camera[]>('cameras'), [])

  const search = async (what: Asked, where: Within = within) => {
    if (!what.file && !what.kept && !what.person) return
    const form = new FormData()
    if (what.file) form.set('picture', what.file)
    if (what.kept) form.set('kept', what.kept)
    if (what.person) form.set('person', what.person)
    if (what.which !== undefined) form.set('which', String(what.which))
    if (what.box) form.set('box', what.box.map((v) => v.toFixed(1)).join(','))
    if (where.camera) form.set('camera', where.camera)
    if (where.since) form.set('since', seconds(where.since))
    if (where.until) form.set('until', seconds(where.until))
    const own = ++latest.current
    setBusy(true)
    setAsked(what)
    try {
      const found = await post<Searched>('search', form)
      if (own === latest.current) {
        setAnswer(found)
        setError('')
      }
    } catch (problem) {
      if (own === latest.current) {
        setAnswer(null)
        setError((problem as Error).message)
      }
    }
    if (own === latest.current) setBusy(false)
  }
  const given = route.join('/')
  useEffect(() => {
    const [kind, ...rest] = route
    if (kind === 'kept') void search({ kept: rest.join('/') })
    if (kind === 'person') void search({ person: rest.join('/') })
  }, [given])
  const filter = (part: Partial<Within>) => {
    const now = { ...within, ...part }
    setWithin(now)
    void search(asked, now)
  }
  const pause = async (name: string) => {
    if (!name) return
    try {
      setAnswer(null)
      await search({ file: await snapshot(name) })
    } catch (problem) {
      setError((problem as Error).message)
    }
  }
  return (
    <>
      <h1>Search</h1>
      <p>Where else was this person? Alike is not the same: look at the pictures.</p>
      <div
        class="drop"
        onDragOver={(e) => e.preventDefault()}
        onDrop={(e) => {
          e.preventDefault()
          const file = e.dataTransfer?.files[0]
          if (file) void search({ file })
        }}
      >
        <div class="filters">
          <label>
            Drop a picture here, or choose one
            <input
              type="file"
              accept="image/*"
              onChange={(e) => {
                const file = e.currentTarget.files?.[0]
                if (file) void search({ file })
              }}
            />
          </label>
          {cameras && cameras.length > 0 && (
            <label>
              or pause a camera
              <select value="" onChange={(e) => void pause(e.currentTarget.value)}>
                <option value="">…</option>
                {cameras.map(({ name }) => <option key={name}>{name}</option>)}
              </select>
            </label>
          )}
        </div>
        <Shown asked={asked} answer={answer} search={search} />
      </div>
      <form class="filters" onSubmit={(e) => e.preventDefault()}>
        <label>
          Seen by
          <select value={within.camera} onChange={(e) => filter({ camera: e.currentTarget.value })}>
            <option value="">any camera</option>
            {cameras?.map(({ name }) => <option key={name}>{name}</option>)}
          </select>
        </label>
        <label>
          From
          <input type="datetime-local" value={within.since} onChange={(e) => filter({ since: e.currentTarget.value })} />
        </label>
        <label>
          To
          <input type="datetime-local" value={within.until} onChange={(e) => filter({ until: e.currentTarget.value })} />
        </label>
      </form>
      <Note text={error} kind="error" />
      {busy && <p role="status">Searching …</p>}
      {!busy && answer?.said && <Note text={answer.said} kind="plain" />}
      {!busy && answer && answer.hits.length === 0 && !answer.said && <Empty>Nobody.</Empty>}
      <ul class="hits">
        {answer?.hits.map((hit) => (
          <li key={hit.id} class="card">
            <Result hit={hit} />
          </li>
        ))}
      </ul>
    </>
  )
}

/** The picture that is looked for; people on it can be chosen, and a box drawn. */
function Shown({ asked, answer, search }: { asked: Asked; answer: Searched | null; search: (what: Asked) => void }) {
  const [url, setUrl] = useState('')
  const [size, setSize] = useState<[number, number]>([1, 1])
  const [drawn, setDrawn] = useState<Rect | null>(null)
  const image = useRef<HTMLImageElement>(null)
  const begun = useRef<[number, number] | null>(null)
  useEffect(() => {
    setDrawn(asked.box ?? null)
    if (asked.kept) return setUrl(pictureOf(asked.kept))
    if (!asked.file) return setUrl('')
    const made = URL.createObjectURL(asked.file)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [asked.file, asked.kept])
  if (asked.person) return <p>{asked.person}, and who else may be the same:</p>
  if (!url) return null
  const at = (event: PointerEvent): [number, number] => {
    const area = image.current?.getBoundingClientRect()
    if (!area) return [0, 0]
    return [(size[0] * (event.clientX - area.left)) / area.width, (size[1] * (event.clientY - area.top)) / area.height]
  }
  const rect = ([x0, y0]: [number, number], [x1, y1]: [number, number]): Rect => [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)]
  const large = (box: Rect | null): box is Rect => box !== null && box[2] - box[0] >= 8 && box[3] - box[1] >= 8
  const placed = ([x1, y1, x2, y2]: Rect) => ({
    left: `${(100 * x1) / size[0]}%`,
    top: `${(100 * y1) / size[1]}%`,
    width: `${(100 * (x2 - x1)) / size[0]}%`,
    height: `${(100 * (y2 - y1)) / size[1]}%`,
  })
  return (
    <>
      <div
        class="asked"
        onPointerDown={(e) => {
          if ((e.target as HTMLElement).tagName === 'IMG') {
            e.preventDefault()
            begun.current = at(e)
          }
        }}
        onPointerMove={(e) => begun.current && setDrawn(rect(begun.current, at(e)))}
        onPointerUp={(e) => {
          const box = begun.current && rect(begun.current, at(e))
          begun.current = null
          if (large(box)) search({ ...asked, which: undefined, box })
          else setDrawn(asked.box ?? null)
        }}
      >
        <img ref={image} src={url} alt="what is looked for" draggable={false} onLoad={(e) => setSize([e.currentTarget.naturalWidth, e.currentTarget.naturalHeight])} />
        {answer?.boxes.map((box, which) => (
          <button
            key={`${box.x1} ${box.y1}`}
            class={which === answer.chosen ? 'box chosen' : 'box'}
            aria-label={`look for person ${which + 1}`}
            style={placed([box.x1, box.y1, box.x2, box.y2])}
            onClick={() => search({ ...asked, which, box: undefined })}
          />
        ))}
        {drawn && <span class="box drawn" style={placed(drawn)} />}
      </div>
      <details>
        <summary>Only a part of the picture</summary>
        <p class="faint">Draw a box around somebody with the mouse or a finger, or type it, in pixels of {size[0]} × {size[1]}:</p>
        <form
          class="filters"
          onSubmit={(e) => {
            e.preventDefault()
            const typed = String(new FormData(e.currentTarget as HTMLFormElement).get('box')).split(/[\s,;]+/).map(Number)
            const box = typed as Rect
            setDrawn(box)
            search({ ...asked, which: undefined, box })
          }}
        >
          <label>
            left, top, right, bottom
            <input name="box" placeholder="10, 20, 80, 200" required />
          </label>
          <button>Look for this</button>
        </form>
      </details>
    </>
  )
}

function Result({ hit }: { hit: Hit }) {
  const [all, setAll] = useState(false)
  const [watched, setWatched] = useState(hit.watched)
  const [error, setError] = useState('')
  const follow = async () => {
    try {
      await post(`people/${encodeURIComponent(hit.id)}/watch`)
      setWatched(true)
      setError('')
    } catch (problem) {
      setError((problem as Error).message)
    }
  }
  const journeys = all ? hit.journeys : hit.journeys.slice(0, 2)
  return (
    <>
      <p class="hit">
        <a href={`#/people/${hit.id}`}>
          <b>{called(hit)}</b>
        </a>
        {hit.probability !== null && <Sure probability={hit.probability} />}
        <small class="faint">
          {hit.journeys.length} {hit.journeys.length === 1 ? 'visit' : 'visits'}, last {moment(hit.last_seen)}
        </small>
        {watched === false && (
          <button class="quiet" onClick={follow}>
            Follow from now
          </button>
        )}
        {watched && <span class="chip">on the watch list</span>}
      </p>
      <Note text={error} kind="error" />
      {journeys.map((visit) => <Journey key={visit.id} visit={visit} nearest={hit.nearest} />)}
      {hit.journeys.length > 2 && (
        <button class="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Only the newest' : `All ${hit.journeys.length} visits`}
        </button>
      )}
    </>
  )
}

const percent = (probability: number): string =>
  probability > 0.99 ? 'over 99 %' : probability < 0.01 ? 'under 1 %' : `${Math.round(100 * probability)} %`

function Sure({ probability }: { probability: number }) {
  return (
    <span class="sure">
      <meter min={0} max={1} value={probability} aria-label="probability that it is the same person" /> {percent(probability)}
    </span>
  )
}

/** One visit: stay after stay over the cameras. */
function Journey({ visit, nearest }: { visit: Visit; nearest: string }) {
  return (
    <section aria-label={`Visit of ${day(visit.start)}, ${clock(visit.start)}`}>
      <p class="faint">
        {day(visit.start)}, {clock(visit.start)}
        {visit.end === null ? ', here now' : `, ${lasted(visit.end - visit.start)}`}
      </p>
      <ol class="journey">
        {joined(visit.sightings).map((stay) => (
          <li key={stay.tracklet} class={stay.tracklet === nearest ? 'nearest' : ''}>
            <Picture of={stay.picture} about={`${visit.identity} at ${stay.camera}`} />
            <span class="chip">{stay.camera}</span>
            <small class="faint">
              {clock(stay.start)}
              <br />
              {lasted(stay.end - stay.start)}
            </small>
          </li>
        ))}
      </ol>
    </section>
  )
}

/** Stays before one camera without another between them are one step of the journey. */
function joined(stays: Sighting[]): Sighting[] {
  const steps: Sighting[] = []
  for (const stay of stays) {
    const last = steps[steps.length - 1]
    if (last && last.camera === stay.camera) steps[steps.length - 1] = { ...last, end: Math.max(last.end, stay.end), picture: last.picture || stay.picture }
    else steps.push(stay)
  }
  return steps
}
