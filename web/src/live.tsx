// Cameras with boxes and ids, who is here now, and what has just happened.
import { useEffect, useRef, useState } from 'preact/hooks'
import { type Camera, type Visit, cameraPicture, get, liveEvents } from './api'
import { Overlay } from './overlay'
import { Chips, Empty, HereNow, Note, Picture, clock, useLoaded } from './parts'
import { type DrawnOut, type Place, figures } from './places'

const LATEST = 12

/** Visits as they are told; a later revision takes the place of the one before. */
export function useLiveVisits(): { visits: Visit[]; connected: boolean } {
  const [visits, setVisits] = useState<Visit[]>([])
  const [connected, setConnected] = useState(false)
  useEffect(() => {
    const source = liveEvents()
    source.onopen = () => setConnected(true)
    source.onerror = () => setConnected(false)
    source.addEventListener('event', (message) => {
      const told = JSON.parse((message as MessageEvent<string>).data) as Visit
      setVisits((before) => {
        const others = before.filter((visit) => visit.id !== told.id)
        return told.superseded_by ? others : [told, ...others].sort((a, b) => b.start - a.start).slice(0, 200)
      })
    })
    return () => source.close()
  }, [])
  return { visits, connected }
}

export function Live() {
  const { found: cameras, error } = useLoaded(() => get<Camera[]>('cameras'), [], 5000)
  const { found: places } = useLoaded(() => get<Place[]>('zones'), [], 2000)
  const { visits: told, connected } = useLiveVisits()
  const visits = told.filter((event) => event.kind === 'visit')
  return (
    <>
      <h1>Live</h1>
      <Note text={error} kind="error" />
      {cameras?.length === 0 && (
        <Empty>
          No camera yet. <a href="#/cameras">Add one</a>.
        </Empty>
      )}
      <div class="live">
        <section aria-label="Cameras" class="tiles">
          {cameras?.map((camera) => <Tile key={camera.name} camera={camera} places={(places ?? []).filter((place) => place.camera === camera.name)} />)}
        </section>
        <aside>
          <HereNow />
          <h2>
            Just now <small class={connected ? 'dot on' : 'dot'}>{connected ? 'connected' : 'connecting …'}</small>
          </h2>
          {visits.length === 0 && <Empty>Visits appear here as they begin, change and end.</Empty>}
          <ul class="rows" aria-live="polite">
            {visits.slice(0, LATEST).map((visit) => (
              <li key={visit.id}>
                <a class="row" href={`#/people/${visit.identity}`}>
                  <Picture of={visit.picture} about={visit.identity} small />
                  <span>
                    <b>{visit.identity}</b> {visit.end === null ? 'is here' : 'has left'}
                    <br />
                    <Chips names={visit.cameras} /> <small>{clock(visit.start)}</small>
                  </span>
                </a>
              </li>
            ))}
          </ul>
        </aside>
      </div>
    </>
  )
}

function Tile({ camera, places }: { camera: Camera; places: Place[] }) {
  const shapes = places.map(({ place }) => place).join()
  const { found: drawn } = useLoaded(() => get<DrawnOut>(`cameras/${encodeURIComponent(camera.name)}/places`), [camera.name, shapes])
  const [tick, setTick] = useState(0)
  const [shown, setShown] = useState(false)
  const timer = useRef(0)
  useEffect(() => () => clearTimeout(timer.current), [])
  const next = (after: number) => {
    clearTimeout(timer.current)
    timer.current = window.setTimeout(() => setTick((t) => t + 1), document.hidden ? 3000 : after)
  }
  const well = camera.state === 'streaming'
  return (
    <figure class="tile">
      <div class="shown">
      <img
        src={cameraPicture(camera.name, 640, tick)}
        alt={`${camera.name} now, ${camera.people} people in the picture`}
        class={shown ? '' : 'waiting'}
        onLoad={() => {
          setShown(true)
          next(400)
        }}
        onError={() => {
          setShown(false)
          next(3000)
        }}
      />
      {drawn && <Overlay drawn={drawn.drawn} places={places} camera={camera.name} />}
      </div>
      <figcaption>
        <b>{camera.name}</b>
        <span class={`state ${camera.state}`}>
          {well ? `${camera.fps.toFixed(0)} fps` : camera.state}
          {camera.error && `: ${camera.error}`}
        </span>
        <span>
          {camera.people} {camera.people === 1 ? 'person' : 'people'}
        </span>
        {places.map((place) => (
          <span key={place.place}>
            {place.name}: {figures(place)}
          </span>
        ))}
      </figcaption>
    </figure>
  )
}
