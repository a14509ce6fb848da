// Zones and lines over a camera's picture.
import { type Drawn, type Place, type Point, figures, inwards } from './places'

const W = 1600
const H = 900
const path = (points: Point[]): string => points.map(([x, y]) => `${x * W},${y * H}`).join(' ')

/** Only for the eyes: what it says is said in words beside it. */
export function Overlay({ drawn, places, camera }: { drawn: Drawn; places: Place[]; camera: string }) {
  const said = (name: string) => {
    const place = places.find((one) => one.place === `${camera}/${name}`)
    return place ? `${name}: ${figures(place)}` : name
  }
  return (
    <svg class="overlay" viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" aria-hidden="true">
      {Object.entries(drawn.zones).map(([name, zone]) => (
        <g key={name} class={zone.queue ? 'zone queue' : 'zone'}>
          <polygon points={path(zone.polygon)} />
          <text x={Math.min(...zone.polygon.map(([x]) => x)) * W + 12} y={Math.min(...zone.polygon.map(([, y]) => y)) * H + 44}>
            {said(name)}
          </text>
        </g>
      ))}
      {Object.entries(drawn.lines).map(([name, line]) => {
        const { middle, tip } = inwards(line)
        return (
          <g key={name} class="gate">
            <polyline points={path([line.start, line.end])} />
            <polyline class="inwards" points={path([middle, tip])} marker-end="url(#tip)" />
            <text x={middle[0] * W + 14} y={middle[1] * H - 10}>
              {said(name)}
            </text>
          </g>
        )
      })}
      <defs>
        <marker id="tip" viewBox="0 0 10 10" refX="5" refY="5" markerWidth="5" markerHeight="5" orient="auto-start-reverse">
          <path d="M 0 0 L 10 5 L 0 10 z" />
        </marker>
      </defs>
    </svg>
  )
}
