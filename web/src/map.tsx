// The floor plan, or the graph of cameras: how people get from one to the other, and who is where now.
import { useRef, useState } from 'preact/hooks'
import { type Link, type Me, type Placed, type SiteMap, get, planPicture, put, remove } from './api'
import { said } from './charts'
import { Empty, HereNow, Note, useLoaded } from './parts'

const STEP = 0.02

export function MapView({ me }: { me: Me }) {
  const { found: site, error, again, setFound } = useLoaded(() => get<SiteMap>('map'), [], 3000)
  const [chosen, setChosen] = useState('')
  const [said_, setSaid] = useState('')
  const [version, setVersion] = useState(0)
  const may = me.role === 'admin'
  const act = async (what: () => Promise<unknown>) => {
    try {
      await what()
      setSaid('')
    } catch (problem) {
      setSaid((problem as Error).message)
    }
    await again()
  }
  const moved = (name: string, x: number, y: number) =>
    setFound((before) =>
      before && { ...before, cameras: before.cameras.map((c) => (c.name === name ? { ...c, x, y, by_hand: true } : c)) },
    )
  const keep = (camera: Placed) => act(() => put(`map/cameras/${encodeURIComponent(camera.name)}`, { x: camera.x, y: camera.y }))
  const upload = (file: File) => {
    const form = new FormData()
    form.set('picture', file)
    return act(async () => {
      await put('map/plan', form)
      setVersion((v) => v + 1)
    })
  }
  const camera = site?.cameras.find((c) => c.name === chosen)
  return (
    <>
      <h1>Map</h1>
      <Note text={error || said_} kind="error" />
      {site?.cameras.length === 0 && (
        <Empty>
          No camera yet. <a href="#/cameras">Add one</a>.
        </Empty>
      )}
      {site && site.cameras.length > 0 && (
        <Plan site={site} version={version} chosen={chosen} choose={setChosen} may={may} moved={moved} keep={keep} />
      )}
      {may && (
        <form class="filters" onSubmit={(e) => e.preventDefault()}>
          <label>
            {site?.plan ? 'Another floor plan' : 'Floor plan (a picture)'}
            <input
              type="file"
              accept="image/*"
              onChange={(e) => {
                const file = e.currentTarget.files?.[0]
                if (file) void upload(file)
              }}
            />
          </label>
          {site?.plan && (
            <button class="quiet" type="button" onClick={() => act(() => remove('map/plan'))}>
              Without the plan
            </button>
          )}
          {camera?.by_hand && (
            <button class="quiet" type="button" onClick={() => act(() => remove(`map/cameras/${encodeURIComponent(camera.name)}`))}>
              Let {camera.name} find its own place
            </button>
          )}
          <p class="faint">Drag the cameras to where they are, or move the chosen one with the arrow keys.</p>
        </form>
      )}
      <div class="live">
        <section>
          <h2>Ways between cameras</h2>
          {site && <Ways links={site.links.filter((k) => !chosen || k.source === chosen || k.target === chosen)} />}
        </section>
        <aside>
          <HereNow />
        </aside>
      </div>
    </>
  )
}

type PlanProps = {
  site: SiteMap
  version: number
  chosen: string
  choose: (name: string) => void
  may: boolean
  moved: (name: string, x: number, y: number) => void
  keep: (camera: Placed) => void
}

function Plan({ site, version, chosen, choose, may, moved, keep }: PlanProps) {
  const frame = useRef<HTMLDivElement>(null)
  const dragged = useRef<Placed | null>(null)
  const [width, height] = site.plan ?? [1600, 900]
  const at = new Map(site.cameras.map((camera) => [camera.name, camera]))
  const most = Math.max(1, ...site.links.map((link) => link.hand_offs))
  const drag = (event: PointerEvent) => {
    const [area, camera] = [frame.current?.getBoundingClientRect(), dragged.current]
    if (!area || !camera) return
    const x = Math.min(1, Math.max(0, (event.clientX - area.left) / area.width))
    const y = Math.min(1, Math.max(0, (event.clientY - area.top) / area.height))
    dragged.current = { ...camera, x, y }
    moved(camera.name, x, y)
  }
  const drop = () => {
    const [camera, before] = [dragged.current, site.cameras.find((c) => c.name === dragged.current?.name)]
    dragged.current = null
    if (camera && before) keep(camera)
  }
  const arrow = (event: KeyboardEvent, camera: Placed) => {
    const by: Record<string, [number, number]> = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }
    const step = by[event.key]
    if (!step || !may) return
    event.preventDefault()
    const [x, y] = [Math.min(1, Math.max(0, camera.x + step[0])), Math.min(1, Math.max(0, camera.y + step[1]))]
    moved(camera.name, x, y)
    keep({ ...camera, x, y })
  }
  return (
    <div
      class="plan"
      ref={frame}
      style={{ aspectRatio: `${width} / ${height}`, backgroundImage: site.plan ? `url(${planPicture(version)})` : undefined }}
      onPointerMove={drag}
      onPointerUp={drop}
      onPointerCancel={drop}
    >
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        {site.links.map((link) => {
          const [from, to] = [at.get(link.source), at.get(link.target)]
          if (!from || !to) return null
          const [dx, dy] = [to.x - from.x, to.y - from.y]
          const bend = 0.08
          const middle = [100 * ((from.x + to.x) / 2 - dy * bend), 100 * ((from.y + to.y) / 2 + dx * bend)]
          return (
            <path
              key={`${link.source} ${link.target}`}
              class={chosen && chosen !== link.source && chosen !== link.target ? 'way aside' : 'way'}
              d={`M${100 * from.x} ${100 * from.y}Q${middle.join(' ')} ${100 * to.x} ${100 * to.y}`}
              style={{ strokeWidth: `${1.5 + (7 * link.hand_offs) / most}px` }}
            />
          )
        })}
      </svg>
      {site.cameras.map((camera) => (
        <button
          key={camera.name}
          class={`place ${camera.state} ${camera.name === chosen ? 'chosen' : ''}`}
          style={{ left: `${100 * camera.x}%`, top: `${100 * camera.y}%` }}
          aria-pressed={camera.name === chosen}
          aria-label={`${camera.name}, ${camera.state}, ${camera.people.length} known people in the picture`}
          onClick={() => choose(camera.name === chosen ? '' : camera.name)}
          onKeyDown={(event) => arrow(event, camera)}
          onPointerDown={(event) => {
            if (may) {
              dragged.current = null
              const hold = (move: PointerEvent) => {
                if (Math.hypot(move.clientX - event.clientX, move.clientY - event.clientY) > 4) dragged.current ??= camera
              }
              addEventListener('pointermove', hold)
              addEventListener('pointerup', () => removeEventListener('pointermove', hold), { once: true })
            }
          }}
        >
          {camera.name}
          {camera.people.length > 0 && <b>{camera.people.length}</b>}
        </button>
      ))}
    </div>
  )
}

function Ways({ links }: { links: Link[] }) {
  if (!links.length) return <Empty>None is known yet: they are learned from people who walk from one to the other.</Empty>
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th>From</th>
            <th>To</th>
            <th>Hand-offs</th>
            <th>Median</th>
            <th>Half take</th>
          </tr>
        </thead>
        <tbody>
          {links.map((link) => (
            <tr key={`${link.source} ${link.target}`}>
              <td>{link.source}</td>
              <td>{link.target}</td>
              <td>{link.hand_offs.toFixed(1)}</td>
              <td>{link.in_view >= 0.5 ? 'both see them at once' : said(link.median_s, 's')}</td>
              <td>
                {said(link.low_s, 's')} to {link.high_s >= 4096 ? 'over an hour' : said(link.high_s, 's')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
