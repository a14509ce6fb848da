// Plots of the analytics as SVG: each with its table behind it, readable on a phone and in the dark.
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { lasted } from './parts'

export type Cell = number | string | null
export type Column = { name: string; unit: '' | 'people' | 'visits' | 's' | 'time' | 'share' }
export type Plot = {
  name: string
  title: string
  about: string
  kind: 'bars' | 'lines' | 'week' | 'flows' | 'heat' | 'ranges' | 'table'
  columns: Column[]
  rows: Cell[][]
  camera: string
}
export type Bucket = 'minute' | 'hour' | 'day' | 'week'

const RECORDED_BEFORE_S = 1e8
const number = (cell: Cell | undefined): number => (typeof cell === 'number' ? cell : 0)

/** A moment on an axis, in the time zone of the figures. */
export function tick(at: number, bucket: Bucket, zone: string): string {
  if (at < RECORDED_BEFORE_S) return `${Math.floor(at / 60)}:${String(Math.floor(at) % 60).padStart(2, '0')}`
  const form: Record<Bucket, Intl.DateTimeFormatOptions> = {
    minute: { hour: '2-digit', minute: '2-digit' },
    hour: { weekday: 'short', hour: '2-digit', minute: '2-digit' },
    day: { weekday: 'short', day: 'numeric', month: 'short' },
    week: { day: 'numeric', month: 'short', year: 'numeric' },
  }
  try {
    return new Date(at * 1000).toLocaleString([], { ...form[bucket], timeZone: zone })
  } catch {
    return new Date(at * 1000).toLocaleString([], form[bucket])
  }
}

export function said(cell: Cell | undefined, unit: Column['unit']): string {
  if (cell === null || cell === undefined) return '–'
  if (typeof cell === 'string') return cell
  if (unit === 's') return `${cell < 0 ? '−' : ''}${Math.abs(cell) < 1 ? '0 s' : lasted(Math.abs(cell))}`
  if (unit === 'share') return `${Math.round(cell * 100)} %`
  return cell.toLocaleString([], { maximumFractionDigits: 2 })
}

/** How wide there is room, px, so that text keeps its size on every screen. */
function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const holder = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(340)
  useEffect(() => {
    if (!holder.current) return
    const watch = new ResizeObserver(([entry]) => entry && setWidth(Math.max(240, Math.floor(entry.contentRect.width))))
    watch.observe(holder.current)
    return () => watch.disconnect()
  }, [])
  return [holder, width]
}

type Drawn = { plot: Plot; bucket: Bucket; zone: string; picture?: string }

export function Chart(props: Drawn) {
  const [holder, width] = useWidth()
  const { plot } = props
  const drawn: Partial<Record<Plot['kind'], () => JSX.Element>> = {
    bars: () => <Series {...props} width={width} />,
    lines: () => <Series {...props} width={width} />,
    week: () => <Week plot={plot} width={width} />,
    heat: () => <Heat plot={plot} picture={props.picture} />,
    ranges: () => <Ranges plot={plot} width={width} />,
    flows: () => <Flows plot={plot} width={width} />,
  }
  return <div ref={holder}>{plot.rows.length ? drawn[plot.kind]?.() : <p class="empty">Nothing to show.</p>}</div>
}

export function Table({ plot, bucket, zone }: Drawn) {
  const rows = plot.rows.slice(0, 500)
  return (
    <details>
      <summary>Table</summary>
      <div class="wide tall" tabIndex={0} role="region" aria-label={`${plot.title}, table`}>
        <table>
          <thead>
            <tr>
              {plot.columns.map((column) => (
                <th key={column.name} scope="col">
                  {column.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={at}>
                {row.map((cell, place) => (
                  <td key={place}>{place === 0 ? mark(plot, row, bucket, zone) : said(cell, plot.columns[place]?.unit ?? '')}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}

const mark = (plot: Plot, row: Cell[], bucket: Bucket, zone: string): string =>
  plot.columns[0]?.unit === 'time' ? tick(number(row[0]), bucket, zone) : String(row[0] ?? '')

function Svg({ plot, width, height, children }: { plot: Plot; width: number; height: number; children: ComponentChildren }) {
  return (
    <svg class="chart" role="img" aria-label={`${plot.title}; the table below has its numbers`} width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
      {children}
    </svg>
  )
}

/** Bars for the first series, lines for the others; or lines for all. */
function Series({ plot, bucket, zone, width }: Drawn & { width: number }) {
  const [left, right, top, foot] = [34, 6, 8, 40]
  const height = 210
  const most = nice(Math.max(1, ...plot.rows.flatMap((row) => row.slice(1).map(number))))
  const step = (width - left - right) / plot.rows.length
  const x = (at: number) => left + step * (at + 0.5)
  const y = (value: number) => height - foot - ((height - foot - top) * value) / most
  const every = Math.max(1, Math.ceil(plot.rows.length / Math.max(2, Math.floor((width - left) / 78))))
  const line = (place: number) => plot.rows.map((row, at) => `${at ? 'L' : 'M'}${x(at)} ${y(number(row[place]))}`).join('')
  return (
    <>
      <Svg plot={plot} width={width} height={height}>
        {[0, 0.5, 1].map((share) => (
          <g key={share}>
            <line class="grid" x1={left} x2={width - right} y1={y(most * share)} y2={y(most * share)} />
            <text x={left - 5} y={y(most * share) + 4} text-anchor="end">
              {said(most * share, '')}
            </text>
          </g>
        ))}
        {plot.kind === 'bars' &&
          plot.rows.map((row, at) => (
            <rect key={at} class="s1" x={x(at) - step * 0.4} width={Math.max(1, step * 0.8)} y={y(number(row[1]))} height={height - foot - y(number(row[1]))}>
              <title>{`${mark(plot, row, bucket, zone)}: ${plot.columns.slice(1).map((c, i) => `${c.name} ${said(row[i + 1], c.unit)}`).join(', ')}`}</title>
            </rect>
          ))}
        {plot.columns.map((column, place) =>
          place === 0 || (plot.kind === 'bars' && place === 1) ? null : (
            <path key={column.name} class={`line s${place} ${column.name.endsWith('before') ? 'before' : ''}`} d={line(place)} />
          ),
        )}
        {plot.rows.map((row, at) =>
          at % every ? null : (
            <text key={at} x={Math.min(x(at), width - 30)} y={height - foot + 16 + 14 * ((at / every) % 2)} text-anchor="middle">
              {mark(plot, row, bucket, zone)}
            </text>
          ),
        )}
      </Svg>
      {plot.columns.length > 2 && (
        <p class="legend">
          {plot.columns.slice(1).map((column, at) => (
            <span key={column.name}>
              <i class={`s${at + 1}`} aria-hidden="true" /> {column.name}
            </span>
          ))}
        </p>
      )}
    </>
  )
}

const nice = (most: number): number => {
  const power = 10 ** Math.floor(Math.log10(most))
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((value) => value >= most) ?? most
}

function Week({ plot, width }: { plot: Plot; width: number }) {
  const left = 34
  const [w, h] = [(width - left) / 24, 22]
  const most = Math.max(0.001, ...plot.rows.flatMap((row) => row.slice(1).map(number)))
  return (
    <Svg plot={plot} width={width} height={7 * h + 22}>
      {plot.rows.map((row, day) => (
        <g key={day}>
          <text x="0" y={day * h + 16}>
            {row[0]}
          </text>
          {row.slice(1).map((cell, hour) => (
            <rect key={hour} class={cell === null ? 'unknown' : 's1'} x={left + hour * w} y={day * h + 1} width={Math.max(1, w - 1)} height={h - 2} style={cell === null ? undefined : { fillOpacity: 0.06 + (0.94 * number(cell)) / most }}>
              <title>{`${row[0]} ${hour}:00: ${said(cell, 'people')}`}</title>
            </rect>
          ))}
        </g>
      ))}
      {[0, 6, 12, 18].map((hour) => (
        <text key={hour} x={left + hour * w} y={7 * h + 16}>{`${String(hour).padStart(2, '0')}:00`}</text>
      ))}
    </Svg>
  )
}

/** Over what the camera shows now, where it shows something. */
function Heat({ plot, picture }: { plot: Plot; picture?: string }) {
  const [shown, setShown] = useState(false)
  const cells = plot.rows.map((row) => row.slice(1).map(number))
  const most = Math.max(0.001, ...cells.flat())
  const columns = cells[0]?.length ?? 1
  return (
    <div class={`heat ${shown ? 'over' : ''}`}>
      {picture && <img src={picture} alt="" onLoad={() => setShown(true)} onError={() => setShown(false)} />}
      <svg role="img" aria-label={`${plot.title}; the table below has its numbers`} viewBox={`0 0 ${columns} ${cells.length}`} preserveAspectRatio="none">
        {cells.map((row, y) =>
          row.map((value, x) =>
            value > 0 ? (
              <rect key={`${x} ${y}`} x={x} y={y} width="1.02" height="1.02" style={{ fill: warm(Math.sqrt(value / most)) }}>
                <title>{said(value, 's')}</title>
              </rect>
            ) : null,
          ),
        )}
      </svg>
    </div>
  )
}

/** From violet over red to yellow, ever brighter and less clear. */
const warm = (share: number): string => `hsl(${280 + 130 * share} 90% ${35 + 30 * share}% / ${0.25 + 0.6 * share})`

function Ranges({ plot, width }: { plot: Plot; width: number }) {
  const [row, foot] = [44, 20]
  const most = nice(Math.max(1, ...plot.rows.map((r) => number(r[3]))))
  const x = (value: number) => 4 + ((width - 40) * value) / most
  return (
    <Svg plot={plot} width={width} height={plot.rows.length * row + foot}>
      {plot.rows.map((r, at) => (
        <g key={at}>
          <text x="4" y={at * row + 14}>
            <tspan class="strong">{r[0]}</tspan> {r[2] === null ? 'nobody' : `median ${said(r[2], 's')}`}
          </text>
          <rect class="range" x={x(number(r[1]))} width={Math.max(2, x(number(r[3])) - x(number(r[1])))} y={at * row + 20} height="14" rx="3">
            <title>{`${r[0]}: half between ${said(r[1], 's')} and ${said(r[3], 's')}`}</title>
          </rect>
          {r[2] !== null && <circle class="s1" cx={x(number(r[2]))} cy={at * row + 27} r="6" />}
        </g>
      ))}
      <text x="4" y={plot.rows.length * row + 14}>
        0
      </text>
      <text x={x(most)} y={plot.rows.length * row + 14} text-anchor="end">
        {said(most, 's')}
      </text>
    </Svg>
  )
}

/** From the left to the right; a band is as thick as the way is often gone. */
function Flows({ plot, width }: { plot: Plot; width: number }) {
  const side = Math.min(110, width * 0.27)
  const total = plot.rows.reduce((sum, row) => sum + number(row[2]), 0) || 1
  const names = (place: number) => [...new Set(plot.rows.map((row) => String(row[place])))]
  const gap = 26
  const height = 180 + gap * Math.max(names(0).length, names(1).length)
  const scale = 150 / total
  const places = (place: number) => {
    let at = 4
    return new Map(
      names(place).map((name) => {
        const size = scale * plot.rows.reduce((sum, row) => sum + (row[place] === name ? number(row[2]) : 0), 0)
        const begin = at
        at += size + gap
        return [name, { begin, size, used: 0 }] as [string, { begin: number; size: number; used: number }]
      }),
    )
  }
  const [left, right] = [places(0), places(1)]
  const bands = plot.rows.map((row) => {
    const [from, to] = [left.get(String(row[0])), right.get(String(row[1]))]
    if (!from || !to) return null
    const size = scale * number(row[2])
    const [y0, y1] = [from.begin + from.used + size / 2, to.begin + to.used + size / 2]
    from.used += size
    to.used += size
    const middle = width / 2
    return (
      <path key={`${row[0]} ${row[1]}`} class={`band s${(names(0).indexOf(String(row[0])) % 6) + 1}`} style={{ strokeWidth: `${Math.max(1, size)}` }} d={`M${side} ${y0}C${middle} ${y0} ${middle} ${y1} ${width - side} ${y1}`}>
        <title>{`${row[0]} to ${row[1]}: ${said(row[2], '')} times${row[3] === null ? '' : `, median ${said(row[3], 's')}`}`}</title>
      </path>
    )
  })
  const label = (name: string, size: number) => `${name.length > 12 ? `${name.slice(0, 11)}…` : name} ${Math.round(size / scale)}`
  return (
    <Svg plot={plot} width={width} height={height}>
      {bands}
      {[...left].map(([name, { begin, size }]) => (
        <text key={name} x={side - 6} y={begin + size / 2 + 4} text-anchor="end">
          {label(name, size)}
        </text>
      ))}
      {[...right].map(([name, { begin, size }]) => (
        <text key={name} x={width - side + 6} y={begin + size / 2 + 4}>
          {label(name, size)}
        </text>
      ))}
    </Svg>
  )
}
