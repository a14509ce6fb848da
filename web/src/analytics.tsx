// How many, when, for how long, from where to where.
import { useEffect, useState } from 'preact/hooks'
import { type Camera, cameraPicture, figuresFile, get } from './api'
import { type Bucket, Chart, type Plot, Table, said } from './charts'
import { Empty, Note, useLoaded } from './parts'

type Headline = { name: string; value: number | null; unit: 'people' | 'visits' | 's' | 'share'; before: number | null }
type Report = {
  place: string
  since: number
  until: number
  time_zone: string
  bucket: Bucket
  compared_with: [number, number] | null
  headlines: Headline[]
  plots: Plot[]
  notes: string[]
}
type Query = Record<string, string | number | boolean | undefined>

const DAY_S = 86400
const PERIODS: Record<string, number> = { 'Last hour': 3600, 'Last 24 hours': DAY_S, 'Last 7 days': 7 * DAY_S, 'Last 30 days': 30 * DAY_S }
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone

export function Analytics() {
  const [period, setPeriod] = useState('Last 7 days')
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const [bucket, setBucket] = useState('')
  const [camera, setCamera] = useState('')
  const [compare, setCompare] = useState(true)
  const [other, setOther] = useState('')
  const [now] = useState(() => Math.ceil(Date.now() / 1000))
  const { found: cameras } = useLoaded(() => get<Camera[]>('cameras'), [])
  const own = period === 'choose'
  const seconds = (day: string, next = 0) => new Date(`${day}T00:00:00`).getTime() / 1000 + next
  const query: Query = {
    since: own ? (from ? seconds(from) : undefined) : now - (PERIODS[period] ?? 0),
    until: own ? (to ? seconds(to, DAY_S) : undefined) : now,
    bucket,
    camera,
    compare,
    compare_since: compare && other ? seconds(other) : undefined,
    time_zone: zone,
  }
  const asked = JSON.stringify(query)
  const [report, setReport] = useState<Report | null>(null)
  const [error, setError] = useState('')
  useEffect(() => {
    let left = false
    const show = (found: Report) => {
      if (left) return
      setReport(found)
      setError('')
    }
    get<Report>('analytics', { ...query, heat: false })
      .then((found) => (show(found), left ? null : get<Report>('analytics', query))) // heat maps take longest
      .then((found) => found && show(found))
      .catch((problem: Error) => left || setError(problem.message))
    return () => {
      left = true
    }
  }, [asked])
  return (
    <>
      <h1>Analytics</h1>
      <form class="filters" onSubmit={(e) => e.preventDefault()}>
        <label>
          Period
          <select value={period} onChange={(e) => setPeriod(e.currentTarget.value)}>
            {Object.keys(PERIODS).map((name) => <option key={name}>{name}</option>)}
            <option value="choose">choose …</option>
          </select>
        </label>
        {own && (
          <>
            <label>
              From
              <input type="date" value={from} onChange={(e) => setFrom(e.currentTarget.value)} />
            </label>
            <label>
              To
              <input type="date" value={to} onChange={(e) => setTo(e.currentTarget.value)} />
            </label>
          </>
        )}
        <label>
          By
          <select value={bucket} onChange={(e) => setBucket(e.currentTarget.value)}>
            <option value="">what fits</option>
            {['minute', 'hour', 'day', 'week'].map((name) => <option key={name}>{name}</option>)}
          </select>
        </label>
        <label>
          Camera
          <select value={camera} onChange={(e) => setCamera(e.currentTarget.value)}>
            <option value="">all</option>
            {cameras?.map(({ name }) => <option key={name}>{name}</option>)}
          </select>
        </label>
        <label class="check">
          <input type="checkbox" checked={compare} onChange={(e) => setCompare(e.currentTarget.checked)} /> compare
        </label>
        {compare && (
          <label>
            with as long from
            <input type="date" value={other} onChange={(e) => setOther(e.currentTarget.value)} />
          </label>
        )}
      </form>
      <Note text={error} kind="error" />
      {!report && !error && <Empty>Counting …</Empty>}
      {report && !error && <Shown report={report} query={query} live={cameras?.map((c) => c.name) ?? []} />}
    </>
  )
}

function Shown({ report, query, live }: { report: Report; query: Query; live: string[] }) {
  return (
    <>
      <p class="actions">
        {(['html', 'pdf', 'csv'] as const).map((form) => (
          <a key={form} class="button quiet" href={figuresFile(`report.${form}`, query)} download>
            Report as {form.toUpperCase()}
          </a>
        ))}
      </p>
      {report.notes.map((note) => <Note key={note} text={note} kind="plain" />)}
      <ul class="headlines">
        {report.headlines.map((line) => (
          <li key={line.name} class="card">
            {line.name}
            <b>{said(line.value, line.unit)}</b>
            {report.compared_with && <small class="faint">before: {said(line.before, line.unit)}</small>}
          </li>
        ))}
      </ul>
      <div class="plots">
        {report.plots.map((plot) => (
          <section key={plot.name} class="card" aria-label={plot.title}>
            <h2>{plot.title}</h2>
            <p class="faint">{plot.about}</p>
            <Chart plot={plot} bucket={report.bucket} zone={report.time_zone} picture={live.includes(plot.camera) ? `${cameraPicture(plot.camera, 640, 0)}&boxes=false` : undefined} />
            <Table plot={plot} bucket={report.bucket} zone={report.time_zone} />
            <p class="files">
              {(['csv', 'svg', 'png'] as const).map((form) => (
                <a key={form} href={figuresFile(`plots/${plot.name}.${form}`, query)} download aria-label={`${plot.title} as ${form.toUpperCase()}`}>
                  {form.toUpperCase()}
                </a>
              ))}
            </p>
          </section>
        ))}
      </div>
    </>
  )
}
