// One card an event: pictures, cameras in order.
import { useEffect, useState } from 'preact/hooks'
import { type Camera, type Me, type Page, type Visit, exportOf, get } from './api'
import { useLiveVisits } from './live'
import { Chips, Empty, Findable, Note, Picture, clock, day, lasted, useLoaded } from './parts'

const KINDS: Record<Visit['kind'] | '', string> = {
  visit: 'visits',
  stay: 'stays in zones',
  wait: 'waits in queues',
  crossing: 'lines crossed',
  loitering: 'loitering',
  occupancy: 'too many people',
  '': 'everything',
}

/** What an event says of somebody, or of a place. */
export const told = (event: Visit): string => {
  const over = event.end !== null
  const time = event.end === null ? '' : ` for ${lasted(event.end - event.start)}`
  const place = event.place || event.cameras.join(', ') || 'the site'
  switch (event.kind) {
    case 'visit':
      return event.end === null ? 'here now' : `stayed ${lasted(event.end - event.start)}`
    case 'stay':
      return over ? `was in ${place}${time}` : `is in ${place}`
    case 'wait':
      return over ? `waited in ${place}${time}${event.outcome && `, ${event.outcome === 'served' ? 'was served' : 'left'}`}` : `waits in ${place}`
    case 'crossing':
      return `crossed ${place}, ${event.direction}`
    case 'loitering':
      return over ? `was about${time}: ${place}` : `is about for long: ${place}`
    case 'occupancy':
      return `${event.people} at once in ${place}${time}`
  }
}

export function Events({ me }: { me: Me }) {
  const [camera, setCamera] = useState('')
  const [date, setDate] = useState('')
  const [kind, setKind] = useState<Visit['kind'] | ''>('visit')
  const [older, setOlder] = useState<Visit[]>([])
  const { found: cameras } = useLoaded(() => get<Camera[]>('cameras'), [])
  const since = date ? new Date(`${date}T00:00:00`).getTime() / 1000 : undefined
  const query = { camera, kind, since, until: since === undefined ? undefined : since + 86400, limit: 24 }
  const { found: page, error, setFound } = useLoaded(() => get<Page<Visit>>('events', query), [camera, date, kind])
  const { visits: live } = useLiveVisits()
  useEffect(() => setOlder([]), [camera, date, kind])
  const fresh = date ? [] : live.filter((visit) => (!kind || visit.kind === kind) && (!camera || visit.cameras.includes(camera)))
  const all = new Map<string, Visit>()
  for (const visit of [...older, ...(page?.items ?? []), ...fresh]) {
    const before = all.get(visit.id)
    if (!before || before.revision <= visit.revision) all.set(visit.id, visit)
  }
  const shown = [...all.values()].filter((visit) => !visit.superseded_by).sort((a, b) => b.start - a.start)
  const more = async () => {
    if (!page?.next) return
    const next = await get<Page<Visit>>('events', { ...query, after: page.next })
    setOlder((before) => [...before, ...page.items])
    setFound(next)
  }
  return (
    <>
      <h1>Events</h1>
      <form class="filters" onSubmit={(e) => e.preventDefault()}>
        <label>
          What
          <select value={kind} onChange={(e) => setKind(e.currentTarget.value as Visit['kind'] | '')}>
            {Object.entries(KINDS).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Camera
          <select value={camera} onChange={(e) => setCamera(e.currentTarget.value)}>
            <option value="">all</option>
            {cameras?.map(({ name }) => <option key={name}>{name}</option>)}
          </select>
        </label>
        <label>
          Day
          <input type="date" value={date} onChange={(e) => setDate(e.currentTarget.value)} />
        </label>
        <a class="button quiet" href={exportOf('csv')} download>
          Export CSV
        </a>
      </form>
      <Note text={error} kind="error" />
      {page && shown.length === 0 && <Empty>Nothing yet{camera || date ? ' for this choice' : ''}.</Empty>}
      <ul class="cards">
        {shown.map((visit) => (
          <li key={visit.id}>
            <VisitCard visit={visit} may={me.role !== 'viewer'} />
          </li>
        ))}
      </ul>
      {page?.next && <button onClick={more}>Older</button>}
    </>
  )
}

export function VisitCard({ visit, may }: { visit: Visit; may: boolean }) {
  const pictures = [...new Set([visit.picture, ...visit.sightings.map((s) => s.picture)])].filter(Boolean).slice(0, 4)
  return (
    <article class="card">
      <div class="strip">
        {pictures.map((picture) => <Findable key={picture} of={picture} about={visit.identity} may={may} />)}
        {pictures.length === 0 && visit.identity && <Picture of="" about={visit.identity} />}
      </div>
      <p>
        {visit.identity && (
          <a href={`#/people/${visit.identity}`}>
            <b>{visit.identity}</b>
          </a>
        )}{' '}
        <span class={visit.end === null ? 'state streaming' : ''}>{told(visit)}</span>
      </p>
      <p>
        <Chips names={visit.cameras} />
      </p>
      <p class="faint">
        {day(visit.start)}, {clock(visit.start)}
        {visit.end !== null && visit.end !== visit.start && ` to ${clock(visit.end)}`}
        {visit.identity &&
          ` · ${visit.sightings.length} ${visit.sightings.length === 1 ? 'sighting' : 'sightings'} · ${Math.round(visit.confidence * 100)} % sure`}
      </p>
    </article>
  )
}
