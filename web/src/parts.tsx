// Small things that several views share.
import type { ComponentChildren } from 'preact'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type Here, get, pictureOf } from './api'

export const clock = (at: number): string =>
  new Date(at * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' })

export const day = (at: number): string => {
  const date = new Date(at * 1000)
  const today = new Date()
  if (date.toDateString() === today.toDateString()) return 'today'
  return date.toLocaleDateString([], { weekday: 'short', day: 'numeric', month: 'short' })
}

export const moment = (at: number | null): string => (at === null ? 'not seen yet' : `${day(at)}, ${clock(at)}`)

export const lasted = (seconds: number): string => {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`
}

export const called = (person: { id: string; name: string }): string => person.name || person.id

export function Picture({ of, about, small }: { of: string; about: string; small?: boolean }) {
  const [gone, setGone] = useState(false)
  const name = small ? 'crop small' : 'crop'
  if (!of || gone) return <span class={`${name} none`} role="img" aria-label={`no picture of ${about}`} />
  return <img class={name} src={pictureOf(of)} alt={about} loading="lazy" onError={() => setGone(true)} />
}

/** A picture that leads to where else its person was, for those who may search. */
export function Findable({ of, about, may }: { of: string; about: string; may: boolean }) {
  if (!may || !of) return <Picture of={of} about={about} />
  return (
    <a class="findable" href={`#/search/kept/${of}`} title="Where else?" aria-label={`Where else was ${about}? By this picture`}>
      <Picture of={of} about="" />
    </a>
  )
}

export function Chips({ names }: { names: string[] }) {
  return (
    <span class="chips">
      {names.map((name, at) => (
        <span key={name}>
          {at > 0 && <span aria-hidden="true"> → </span>}
          <span class="chip">{name}</span>
        </span>
      ))}
    </span>
  )
}

export function Note({ text, kind }: { text: string; kind: 'error' | 'good' | 'plain' }) {
  return text ? (
    <p class={`note ${kind}`} role={kind === 'error' ? 'alert' : 'status'}>
      {text}
    </p>
  ) : null
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>
}

/** Loads now and whenever `again` is called; `every` milliseconds also by itself. */
export function useLoaded<T>(load: () => Promise<T>, depends: unknown[], every = 0) {
  const [found, setFound] = useState<T | null>(null)
  const [error, setError] = useState('')
  const asked = useRef(0)
  const answered = useRef(0) // an answer that comes after that to a later question is late
  // biome-ignore lint: what it depends on is the caller's to say
  const again = useCallback(async () => {
    const own = ++asked.current
    const isLate = () => own < answered.current || ((answered.current = own), false)
    try {
      const answer = await load()
      if (isLate()) return
      setFound(answer)
      setError('')
    } catch (problem) {
      if (!isLate()) setError((problem as Error).message)
    }
  }, depends)
  useEffect(() => {
    void again()
    if (!every) return
    const timer = setInterval(() => document.hidden || void again(), every)
    return () => clearInterval(timer)
  }, [again, every])
  return { found, error, again, setFound }
}

/** Who is here, kept up to date by itself. */
export function HereNow() {
  const { found: here } = useLoaded(() => get<Here[]>('here'), [], 2000)
  return (
    <>
      <h2>Here now</h2>
      {here?.length === 0 && <Empty>Nobody.</Empty>}
      <ul class="rows">
        {here?.map((one) => (
          <li key={one.person}>
            <a class="row" href={`#/people/${one.person}`}>
              <Picture of={one.picture} about={one.name || one.person} small />
              <span>
                <b>{one.name || one.person}</b>
                <br />
                <Chips names={one.cameras} />
                {one.since && <small> since {clock(one.since)}</small>}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </>
  )
}
