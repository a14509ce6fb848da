// One person: best pictures, when and where, why, and corrections.
import { useState } from 'preact/hooks'
import { type Me, type Page, type Person, type PersonDetails, type Stay, get, patch, post, remove } from './api'
import { Chips, Empty, Findable, Note, Picture, called, clock, lasted, moment, useLoaded } from './parts'

export function PersonView({ id, me }: { id: string; me: Me }) {
  const path = `people/${encodeURIComponent(id)}`
  const { found: person, error, again } = useLoaded(() => get<PersonDetails>(path), [id], 15000)
  const [chosen, setChosen] = useState<string[]>([])
  const [said, setSaid] = useState('')
  const [good, setGood] = useState('')
  const may = me.role !== 'viewer'

  const act = async (what: () => Promise<Person | unknown>, done: string) => {
    try {
      const now = (await what()) as Person | undefined
      setSaid('')
      setGood(done)
      setChosen([])
      if (now && typeof now === 'object' && 'id' in now && now.id !== id) location.hash = `#/people/${now.id}`
      else await again()
    } catch (problem) {
      setGood('')
      setSaid((problem as Error).message)
    }
  }
  if (error && !person) return <Note text={error} kind="error" />
  if (!person) return <Empty>…</Empty>
  const rename = () => {
    const name = prompt('Name of this person (empty: none)', person.name)
    if (name !== null) void act(() => patch(path, { name }), 'The name is kept.')
  }
  const forget = () => {
    const reason = prompt('Erase everything about this person? It cannot be undone. Why?')
    if (reason) void act(async () => { await remove(path, { reason }); location.hash = '#/people' }, 'Erased.')
  }
  const takeOut = () => {
    if (!confirm('Erase the given pictures and the name? What cameras saw of this person stays.')) return
    void act(async () => {
      const { person: left } = (await remove(`${path}/enrolment`)) as { person: string | null }
      location.hash = left ? `#/people/${left}` : '#/people'
    }, 'Enrolled no longer.')
  }
  const toggle = (tracklet: string) =>
    setChosen((before) => (before.includes(tracklet) ? before.filter((t) => t !== tracklet) : [...before, tracklet]))
  return (
    <>
      <p>
        <a href="#/people">← People</a>
      </p>
      <div class="head">
        <Picture of={person.picture} about={called(person)} />
        <div>
          <h1>{called(person)}</h1>
          <p>
            {person.name && <>{person.id} · </>}
            <Chips names={person.cameras} />
          </p>
          <p class="faint">
            {person.sightings > 0 ? (
              <>
                first {moment(person.first_seen)} · last {moment(person.last_seen)} · {Math.round(person.confidence * 100)} % sure
                that this is one person
              </>
            ) : (
              'not seen yet'
            )}
            {person.enrolled > 0 && ` · enrolled with ${person.enrolled} ${person.enrolled === 1 ? 'picture' : 'pictures'}`}
          </p>
          {may && (
            <p class="actions">
              <a class="button" href={`#/search/person/${person.id}`}>
                Where else?
              </a>
              <button onClick={rename}>Rename</button>
              <button
                aria-pressed={person.watched}
                onClick={() =>
                  person.watched
                    ? act(() => remove(`${path}/watch`), 'Followed no longer.')
                    : act(() => post(`${path}/watch`), 'Followed from now on.')
                }
              >
                {person.watched ? 'Follow no longer' : 'Follow from now on'}
              </button>
              {person.enrolled > 0 && (
                <button onClick={takeOut} title="Erases the given pictures and the name; what cameras saw stays.">
                  Enrol no longer
                </button>
              )}
              <Merge of={person} act={act} />
              <button
                disabled={!chosen.length || chosen.length === person.stays.length}
                onClick={() => act(() => post(`${path}/split`, { tracklets: chosen }), 'Split off.')}
              >
                Split off {chosen.length || ''}
              </button>
              {me.role === 'admin' && (
                <button class="danger" onClick={forget}>
                  Erase
                </button>
              )}
            </p>
          )}
        </div>
      </div>
      <Note text={said} kind="error" />
      <Note text={good} kind="good" />
      <h2>When and where</h2>
      <Timeline stays={person.stays} />
      <h2>Sightings</h2>
      <ul class="stays">
        {person.stays.map((stay) => (
          <li key={stay.tracklet} class="card">
            <p>
              {may && (
                <input
                  type="checkbox"
                  checked={chosen.includes(stay.tracklet)}
                  onChange={() => toggle(stay.tracklet)}
                  aria-label={`choose the sighting at ${stay.camera}, ${clock(stay.start)}`}
                />
              )}{' '}
              <span class="chip">{stay.camera}</span> {moment(stay.start)}, {lasted(stay.end - stay.start)}
            </p>
            <div class="strip">
              {stay.pictures.map((picture) => (
                <Findable key={picture} of={picture} about={`${called(person)} at ${stay.camera}`} may={may} />
              ))}
            </div>
            <Why stay={stay} />
          </li>
        ))}
      </ul>
    </>
  )
}

function Merge({ of, act }: { of: Person; act: (what: () => Promise<unknown>, done: string) => void }) {
  const [open, setOpen] = useState(false)
  const [named, setNamed] = useState('')
  const { found } = useLoaded(() => get<Page<Person>>('people', { named, limit: 12 }), [named, open])
  if (!open) return <button onClick={() => setOpen(true)}>Same as …</button>
  return (
    <div class="merge" role="group" aria-label="Who is the same person">
      <label>
        {called(of)} is the same person as
        <input type="search" value={named} onInput={(e) => setNamed(e.currentTarget.value)} autofocus />
      </label>
      <ul class="rows">
        {found?.items
          .filter((other) => other.id !== of.id)
          .map((other) => (
            <li key={other.id}>
              <button
                class="row quiet"
                onClick={() => {
                  setOpen(false)
                  act(() => post(`people/${encodeURIComponent(of.id)}/merge`, { into: other.id }), 'Merged.')
                }}
              >
                <Picture of={other.picture} about={called(other)} small />
                <span>
                  {called(other)} <small class="faint">{moment(other.last_seen)}</small>
                </span>
              </button>
            </li>
          ))}
      </ul>
      <button class="quiet" onClick={() => setOpen(false)}>
        Cancel
      </button>
    </div>
  )
}

function Why({ stay }: { stay: Stay }) {
  if (!stay.reasons.length) return null
  return (
    <details>
      <summary>Why</summary>
      <ul>
        {stay.reasons.map((reason) => (
          <li key={`${reason.at}${reason.what}`}>
            {reason.what}
            {reason.probability !== null && reason.best !== null && ` · ${Math.round(reason.probability * 100)} % ${reason.best}`}
            {reason.second && ` · next best ${reason.second}`}
            {Object.entries(reason.terms).map(([name, nats]) => (
              <small key={name} class="faint">
                {' '}
                · {name} {nats >= 0 ? '+' : '−'}
                {Math.abs(nats).toFixed(1)}
              </small>
            ))}
            {reason.vetoes.map((veto) => (
              <small key={veto} class="faint">
                {' '}
                · not {veto}
              </small>
            ))}
          </li>
        ))}
      </ul>
    </details>
  )
}

/** A row a camera, a bar a sighting. */
function Timeline({ stays }: { stays: Stay[] }) {
  if (!stays.length) return <Empty>No sighting is kept.</Empty>
  const begin = Math.min(...stays.map((s) => s.start))
  const end = Math.max(...stays.map((s) => s.end), begin + 1)
  const cameras = [...new Set([...stays].sort((a, b) => a.start - b.start).map((s) => s.camera))]
  const x = (at: number) => 22 + (77 * (at - begin)) / (end - begin)
  return (
    <svg class="timeline" role="img" aria-label={`Sightings from ${moment(begin)} to ${moment(end)}`} style={{ height: `${cameras.length * 28 + 24}px` }}>
      {cameras.map((camera, row) => (
        <g key={camera}>
          <text x="0" y={row * 28 + 18}>
            {camera.slice(0, 18)}
          </text>
          <line x1="22%" x2="99%" y1={row * 28 + 14} y2={row * 28 + 14} />
          {stays
            .filter((stay) => stay.camera === camera)
            .map((stay) => (
              <rect key={stay.tracklet} x={`${x(stay.start)}%`} width={`${Math.max(0.6, x(stay.end) - x(stay.start))}%`} y={row * 28 + 6} height="16" rx="3">
                <title>{`${camera}, ${moment(stay.start)}, ${lasted(stay.end - stay.start)}`}</title>
              </rect>
            ))}
        </g>
      ))}
      <text x="22%" y={cameras.length * 28 + 18} class="faint">
        {clock(begin)}
      </text>
      <text x="99%" y={cameras.length * 28 + 18} class="faint" text-anchor="end">
        {clock(end)}
      </text>
    </svg>
  )
}
