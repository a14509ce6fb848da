// The real API, as its OpenAPI contract has it. Times are UTC seconds.

export type Sighting = { tracklet: string; camera: string; start: number; end: number; picture: string }
export type Visit = {
  id: string
  kind: 'visit' | 'stay' | 'wait' | 'crossing' | 'loitering' | 'occupancy'
  identity: string
  start: number
  end: number | null
  cameras: string[]
  sightings: Sighting[]
  picture: string
  confidence: number
  revision: number
  superseded_by: string
  place: string
  direction: string
  outcome: string
  people: number
}
export type Person = {
  id: string
  name: string
  first_seen: number | null
  last_seen: number | null
  confidence: number
  sightings: number
  cameras: string[]
  picture: string
  enrolled: number
  watched: boolean
}
export type Given = { file: File; box: [number, number, number, number] | null }
export type Enrolment = {
  person: Person | null
  pictures: {
    file: string
    outcome: 'used' | 'odd' | 'several' | 'nobody' | 'unusable'
    said: string
    boxes: [number, number, number, number][]
  }[]
}
export type WatchHit = Sighting & { probability: number | null; false_match_rate: number | null }
export type WatchList = {
  mode: 'open' | 'closed' | 'watch'
  people: (Person & { hits: WatchHit[] })[]
  passers: { day: string; camera: string; stays: number }[]
}
export type Reason = {
  at: number
  what: string
  probability: number | null
  best: string | null
  second: string | null
  terms: Record<string, number>
  vetoes: string[]
}
export type Stay = Sighting & { pictures: string[]; reasons: Reason[] }
export type PersonDetails = Person & { stays: Stay[]; visits: Visit[] }
export type Page<T> = { items: T[]; next: string | null }
export type Camera = {
  name: string
  source: string
  state: 'connecting' | 'streaming' | 'frozen' | 'unreachable'
  error: string
  fps: number
  frames: number
  looked_at: number
  connections: number
  resets: number
  last_at: number
  people: number
}
export type Here = { person: string; name: string; cameras: string[]; since: number | null; picture: string }
export type Change = { position: number; kind: string; at: number; about: Record<string, unknown>; stands: boolean }
export type Me = { name: string; role: 'viewer' | 'operator' | 'admin'; cameras: string[]; csrf: string; only?: string }
export type Status = {
  version: string
  now: number
  people: number
  open_visits: number
  cameras: number
  cameras_streaming: number
  detector: string
  embedder: string
  unsaved_steps: number
  disk_free_mb: number
}
export type Box = { x1: number; y1: number; x2: number; y2: number; score: number }
export type Hit = Person & { probability: number | null; nearest: string; journeys: Visit[] }
export type Searched = { boxes: Box[]; chosen: number | null; hits: Hit[]; said: string }
export type Placed = { name: string; x: number; y: number; by_hand: boolean; state: string; people: string[] }
export type Link = {
  source: string
  target: string
  hand_offs: number
  median_s: number
  low_s: number
  high_s: number
  in_view: number
}
export type SiteMap = { plan: [number, number] | null; cameras: Placed[]; links: Link[] }
export type User = { name: string; role: Me['role']; cameras: string[] }
export type Token = { id: number; user: string; label: string; created: number; expires: number | null; secret?: string }
export type Audit = { id: number; at: number; user: string; action: string; subject: string }

const ROOT = 'api/v1'
let csrf = ''

export class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail)
  }
}

/** Called when the service says that nobody is logged in. */
export let onLoggedOut = (): void => undefined
export const whenLoggedOut = (then: () => void): void => {
  onLoggedOut = then
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = method === 'GET' ? {} : { 'X-CSRF-Token': csrf }
  const form = body instanceof FormData
  if (body !== undefined && !form) headers['Content-Type'] = 'application/json'
  let answer: Response
  try {
    answer = await fetch(`${ROOT}/${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : form ? body : JSON.stringify(body),
    })
  } catch {
    throw new Problem(0, 'The service does not answer. Is it running?')
  }
  if (answer.status === 401 && path !== 'login') onLoggedOut()
  if (!answer.ok) {
    const said = (await answer.json().catch(() => ({}))) as { detail?: string }
    throw new Problem(answer.status, said.detail ?? answer.statusText)
  }
  return (answer.status === 204 ? undefined : await answer.json()) as T
}

type Query = Record<string, string | number | boolean | undefined | null>
const queried = (path: string, query: Query): string => {
  const wanted = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const text = new URLSearchParams(wanted.map(([key, value]) => [key, String(value)])).toString()
  return text ? `${path}?${text}` : path
}
export const get = <T>(path: string, query: Query = {}) => ask<T>('GET', queried(path, query))
export const post = <T>(path: string, body?: unknown) => ask<T>('POST', path, body)
export const patch = <T>(path: string, body: unknown) => ask<T>('PATCH', path, body)
export const put = <T>(path: string, body: unknown) => ask<T>('PUT', path, body)
export const remove = <T>(path: string, body?: unknown) => ask<T>('DELETE', path, body)

export function enrol(name: string, given: Given[]): Promise<Enrolment> {
  const form = new FormData()
  form.set('name', name)
  form.set('boxes', JSON.stringify(given.map((one) => one.box)))
  for (const one of given) form.append('pictures', one.file)
  return post<Enrolment>('people', form)
}

export async function logIn(name: string, password: string): Promise<Me> {
  const me = await post<Me>('login', { name, password })
  csrf = me.csrf
  return me
}

export async function whoAmI(): Promise<Me> {
  const me = await get<Me>('me')
  csrf = me.csrf
  return me
}

export const pictureOf = (reference: string): string =>
  `${ROOT}/pictures/${reference.split('/').map(encodeURIComponent).join('/')}`
export const kept = (path: string): string => `${ROOT}/${path.split('/').map(encodeURIComponent).join('/')}`
export const cameraPicture = (name: string, width: number, tick: number): string =>
  `${ROOT}/cameras/${encodeURIComponent(name)}/picture.jpg?width=${width}&t=${tick}`
export const liveEvents = (): EventSource => new EventSource(`${ROOT}/live`)
export const exportOf = (form: 'csv' | 'json'): string => `${ROOT}/export/events.${form}`
export const figuresFile = (path: string, query: Query): string => queried(`${ROOT}/analytics/${path}`, query)
export const planPicture = (version: number): string => `${ROOT}/map/plan.jpg?v=${version}`
export async function snapshot(camera: string): Promise<File> {
  const answer = await fetch(`${cameraPicture(camera, 3840, Date.now())}&boxes=false`)
  if (!answer.ok) throw new Problem(answer.status, `${camera} shows no picture now.`)
  return new File([await answer.blob()], `${camera}.jpg`, { type: 'image/jpeg' })
}
