// Drawing zones and lines on a camera's picture: by mouse, by finger, or by keyboard.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type Me, cameraPicture, get, put } from './api'
import { Overlay } from './overlay'
import { Note, useLoaded } from './parts'
import { type Drawn, type DrawnOut, type Line, type Place, type Point, type Zone, at } from './places'

const STEP = 0.01
const MIDDLE: Point = [0.5, 0.5]

type Sketch = { kind: 'zone' | 'line'; points: Point[] }

export function Draw({ camera, me, close }: { camera: string; me: Me; close: () => void }) {
  const { found, error, setFound } = useLoaded(() => get<DrawnOut>(`cameras/${encodeURIComponent(camera)}/places`), [camera])
  const { found: places } = useLoaded(() => get<Place[]>('zones'), [camera], 2000)
  const [sketch, setSketch] = useState<Sketch | null>(null)
  const [said, setSaid] = useState('')
  const [good, setGood] = useState('')
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [camera])
  const may = me.role === 'admin' && found?.editable
  const save = async (drawn: Drawn, what: string): Promise<boolean> => {
    try {
      setFound(await put<DrawnOut>(`cameras/${encodeURIComponent(camera)}/places`, drawn))
      setSaid('')
      setGood(what)
      return true
    } catch (problem) {
      setGood('')
      setSaid((problem as Error).message)
      return false
    }
  }
  return (
    <section class="card draw" aria-labelledby="draw-title">
      <h2 id="draw-title" ref={heading} tabIndex={-1}>
        Zones and lines of {camera}
      </h2>
      <Note text={error || said} kind="error" />
      <Note text={good} kind="good" />
      {found && !found.editable && <p class="faint">They are in perdure.yaml: change them there, and restart.</p>}
      {found && (
        <Canvas camera={camera} drawn={found.drawn} places={places ?? []} sketch={sketch} change={setSketch} />
      )}
      {may && found && (
        <Tools sketch={sketch} start={(kind) => setSketch({ kind, points: [] })} change={setSketch}>
          <Naming
            sketch={sketch}
            drawn={found.drawn}
            add={async (drawn, name) => {
              if (await save(drawn, `${name} counts from now on.`)) setSketch(null)
            }}
          />
        </Tools>
      )}
      {found && (
        <ul class="plain places">
          {Object.entries(found.drawn.zones).map(([name, zone]) => (
            <ZoneRow key={name} name={name} zone={zone} drawn={found.drawn} save={may ? save : null} />
          ))}
          {Object.entries(found.drawn.lines).map(([name, line]) => (
            <LineRow key={name} name={name} line={line} drawn={found.drawn} save={may ? save : null} />
          ))}
        </ul>
      )}
      <p class="actions">
        <button class="quiet" onClick={close}>
          Close
        </button>
      </p>
    </section>
  )
}

function Canvas(of: {
  camera: string
  drawn: Drawn
  places: Place[]
  sketch: Sketch | null
  change: (sketch: Sketch) => void
}) {
  const { camera, drawn, places, sketch, change } = of
  const [tick, setTick] = useState(0)
  const [held, setHeld] = useState<number | null>(null)
  const board = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setTick((t) => t + 1), 2000)
    return () => clearInterval(timer)
  }, [])
  const where = (event: PointerEvent): Point => {
    const box = (board.current as HTMLDivElement).getBoundingClientRect()
    return at((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height)
  }
  const moved = (index: number, to: Point) =>
    sketch && change({ ...sketch, points: sketch.points.map((point, i) => (i === index ? to : point)) })
  const full = sketch?.kind === 'line' && sketch.points.length >= 2
  const press = (event: PointerEvent) => {
    if (!sketch || full || held !== null || (event.target as HTMLElement).closest('.corner')) return
    change({ ...sketch, points: [...sketch.points, where(event)] })
  }
  const key = (event: KeyboardEvent, index: number, [x, y]: Point) => {
    const step = event.shiftKey ? STEP * 5 : STEP
    const way: Record<string, Point> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }
    const by = way[event.key]
    if (by) moved(index, at(x + by[0], y + by[1]))
    else if ((event.key === 'Delete' || event.key === 'Backspace') && sketch)
      change({ ...sketch, points: sketch.points.filter((_, i) => i !== index) })
    else return
    event.preventDefault()
  }
  const outline = sketch?.points.map(([x, y]) => `${x * 100},${y * 100}`).join(' ') ?? ''
  return (
    <div
      class={sketch ? 'board drawing' : 'board'}
      ref={board}
      onPointerDown={press}
      onPointerMove={(event) => held !== null && moved(held, where(event))}
      onPointerUp={() => setHeld(null)}
      onPointerCancel={() => setHeld(null)}
    >
      <img src={cameraPicture(camera, 960, tick)} alt={`${camera} now`} draggable={false} />
      <Overlay drawn={drawn} places={places} camera={camera} />
      {sketch && (
        <svg class="overlay sketch" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
          {sketch.kind === 'zone' && sketch.points.length > 2 ? <polygon points={outline} /> : <polyline points={outline} />}
        </svg>
      )}
      {sketch?.points.map((point, index) => (
        <button
          // biome-ignore lint: corners have no other name than their place
          key={index}
          type="button"
          class="corner"
          style={{ left: `${point[0] * 100}%`, top: `${point[1] * 100}%` }}
          aria-label={`corner ${index + 1}, ${Math.round(point[0] * 100)} % from the left, ${Math.round(point[1] * 100)} % from the top; arrow keys move it`}
          onPointerDown={(event) => {
            setHeld(index)
            board.current?.setPointerCapture(event.pointerId)
          }}
          onKeyDown={(event) => key(event, index, point)}
        />
      ))}
    </div>
  )
}

function Tools(of: {
  sketch: Sketch | null
  start: (kind: Sketch['kind']) => void
  change: (sketch: Sketch | null) => void
  children: ComponentChildren
}) {
  const { sketch, start, change, children } = of
  if (!sketch)
    return (
      <p class="actions">
        <button onClick={() => start('zone')}>Draw a zone</button>
        <button onClick={() => start('line')}>Draw a line</button>
      </p>
    )
  const full = sketch.kind === 'line' && sketch.points.length >= 2
  const last = sketch.points.at(-1)
  return (
    <div class="form">
      <p role="status">
        {sketch.kind === 'zone'
          ? `Click the corners of the floor, three or more: ${sketch.points.length} so far.`
          : 'Click both ends. Who crosses along the arrow comes in: from its left to its right.'}
      </p>
      <p class="actions">
        <button
          type="button"
          class="quiet"
          disabled={full}
          onClick={() => change({ ...sketch, points: [...sketch.points, last ? at(last[0] + 0.1, last[1]) : MIDDLE] })}
        >
          Add a corner
        </button>
        <button
          type="button"
          class="quiet"
          disabled={!sketch.points.length}
          onClick={() => change({ ...sketch, points: sketch.points.slice(0, -1) })}
        >
          Take the last back
        </button>
        {sketch.kind === 'line' && (
          <button type="button" class="quiet" disabled={!full} onClick={() => change({ ...sketch, points: [...sketch.points].reverse() })}>
            Swap in and out
          </button>
        )}
        <button type="button" class="quiet" onClick={() => change(null)}>
          Cancel
        </button>
      </p>
      {children}
    </div>
  )
}

const number = (text: string): number | null => (text.trim() === '' ? null : Number(text))

function Naming({ sketch, drawn, add }: { sketch: Sketch | null; drawn: Drawn; add: (drawn: Drawn, name: string) => Promise<void> }) {
  const [name, setName] = useState('')
  const [settings, setSettings] = useState<ZoneSettings>(PLAIN)
  if (!sketch) return null
  const ready = sketch.points.length >= (sketch.kind === 'zone' ? 3 : 2)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const [start = MIDDLE, end = MIDDLE] = sketch.points
    await add(
      sketch.kind === 'line'
        ? { ...drawn, lines: { ...drawn.lines, [name]: { start, end } } }
        : { ...drawn, zones: { ...drawn.zones, [name]: { polygon: sketch.points, ...zoneOf(settings) } } },
      name,
    )
    setName('')
    setSettings(PLAIN)
  }
  return (
    <form class="form" onSubmit={submit}>
      <label>
        Name of the {sketch.kind}
        <input value={name} onInput={(e) => setName(e.currentTarget.value)} pattern="[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}" required />
      </label>
      {sketch.kind === 'zone' && <Settings settings={settings} change={setSettings} lines={Object.keys(drawn.lines)} />}
      <button disabled={!ready}>Keep the {sketch.kind}</button>
    </form>
  )
}

type ZoneSettings = { most: string; loiter: string; queue: boolean; served: string }
const PLAIN: ZoneSettings = { most: '', loiter: '', queue: false, served: '' }
const settingsOf = (zone: Zone): ZoneSettings => ({
  most: zone.max_people?.toString() ?? '',
  loiter: zone.loiter_after_s?.toString() ?? '',
  queue: zone.queue ?? false,
  served: zone.served_by ?? '',
})
const zoneOf = ({ most, loiter, queue, served }: ZoneSettings): Omit<Zone, 'polygon'> => ({
  max_people: number(most),
  loiter_after_s: number(loiter),
  queue,
  served_by: queue && served ? served : null,
})

function Settings(of: { settings: ZoneSettings; change: (settings: ZoneSettings) => void; lines: string[] }) {
  const { settings, change, lines } = of
  return (
    <>
      <label>
        At most so many people (empty: as many as like)
        <input type="number" min="0" value={settings.most} onInput={(e) => change({ ...settings, most: e.currentTarget.value })} />
      </label>
      <label>
        Loitering after seconds (empty: never)
        <input type="number" min="1" value={settings.loiter} onInput={(e) => change({ ...settings, loiter: e.currentTarget.value })} />
      </label>
      <label class="check">
        <input type="checkbox" checked={settings.queue} onChange={(e) => change({ ...settings, queue: e.currentTarget.checked })} />
        People queue here
      </label>
      {settings.queue && (
        <label>
          Served when they cross
          <select value={settings.served} onChange={(e) => change({ ...settings, served: e.currentTarget.value })}>
            <option value="">no line</option>
            {lines.map((line) => <option key={line}>{line}</option>)}
          </select>
        </label>
      )}
    </>
  )
}

type Save = ((drawn: Drawn, what: string) => Promise<boolean>) | null

const without = <T,>(all: Record<string, T>, name: string): Record<string, T> =>
  Object.fromEntries(Object.entries(all).filter(([key]) => key !== name))

function ZoneRow({ name, zone, drawn, save }: { name: string; zone: Zone; drawn: Drawn; save: Save }) {
  const [settings, setSettings] = useState(settingsOf(zone))
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    void save?.({ ...drawn, zones: { ...drawn.zones, [name]: { ...zone, ...zoneOf(settings) } } }, `${name} is changed.`)
  }
  return (
    <li>
      <details>
        <summary>
          {zone.queue ? 'Queue' : 'Zone'} <b>{name}</b>
          {zone.max_people != null && `, at most ${zone.max_people}`}
          {zone.loiter_after_s != null && `, loitering after ${zone.loiter_after_s} s`}
          {zone.served_by && `, served at ${zone.served_by}`}
        </summary>
        {save && (
          <form class="form" onSubmit={submit}>
            <Settings settings={settings} change={setSettings} lines={Object.keys(drawn.lines)} />
            <p class="actions">
              <button>Change {name}</button>
              <button
                type="button"
                class="danger"
                onClick={() => save({ ...drawn, zones: without(drawn.zones, name) }, `${name} is gone.`)}
              >
                Remove {name}
              </button>
            </p>
          </form>
        )}
      </details>
    </li>
  )
}

function LineRow({ name, line, drawn, save }: { name: string; line: Line; drawn: Drawn; save: Save }) {
  const swap = () =>
    save?.({ ...drawn, lines: { ...drawn.lines, [name]: { start: line.end, end: line.start } } }, `In and out of ${name} are swapped.`)
  return (
    <li>
      <details>
        <summary>
          Line <b>{name}</b>
        </summary>
        {save && (
          <p class="actions">
            <button type="button" class="quiet" onClick={swap}>
              Swap in and out of {name}
            </button>
            <button type="button" class="danger" onClick={() => save({ ...drawn, lines: without(drawn.lines, name) }, `${name} is gone.`)}>
              Remove {name}
            </button>
          </p>
        )}
      </details>
    </li>
  )
}
