// One card a visit: pictures, cameras in order.
import { useEffect, useState } from 'preact/hooks'
import { type Camera, type Me, type Page, type Visit, exportOf, get } from './api'
import { useLiveVisits } from './live'
import { Chips, Empty, Findable, Note, Picture, clock, day, lasted, useLoaded } from './parts'

export function Events({ me }: { me: Me }) {
  const [camera, setCamera] = useState('')
  const [date, setDate] = useState('')
  const [older, setOlder] = useState<Visit[]>([])
  const { found: cameras } = useLoaded(() => get<Camera[]>('cameras'), [])
  const since = date ? new Date(`${date}T00:00:00`).getTime() / 1000 : undefined
  const query = { camera, since, until: since === undefined ? undefined : since + 86400, limit: 24 }
  const { found: page, error, setFound } = useLoaded(() => get<Page<Visit>>('events', query), [camera, date])
  const { visits: live } = useLiveVisits()
  useEffect(() => setOlder([]), [camera, date])
  const fresh = date ? [] : live.filter((visit) => !camera || visit.cameras.includes(camera))
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
      {page && shown.length === 0 && <Empty>No visit yet{camera || date ? ' for this choice' : ''}.</Empty>}
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
        {pictures.length === 0 && <Picture of="" about={visit.identity} />}
      </div>
      <p>
        <a href={`#/people/${visit.identity}`}>
          <b>{visit.identity}</b>
        </a>{' '}
        {visit.end === null ? <span class="state streaming">here now</span> : `stayed ${lasted(visit.end - visit.start)}`}
      </p>
      <p>
        <Chips names={visit.cameras} />
      </p>
      <p class="faint">
        {day(visit.start)}, {clock(visit.start)}
        {visit.end !== null && ` to ${clock(visit.end)}`} · {visit.sightings.length}{' '}
        {visit.sightings.length === 1 ? 'sighting' : 'sightings'} · {Math.round(visit.confidence * 100)} % sure
      </p>
    </article>
  )
}
