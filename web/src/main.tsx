import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Analytics } from './analytics'
import { type Me, logIn, post, whenLoggedOut, whoAmI } from './api'
import { Cameras } from './cameras'
import { Events } from './events'
import { Live } from './live'
import { MapView } from './map'
import { Note } from './parts'
import { People } from './people'
import { PersonView } from './person'
import { Review } from './review'
import { Search } from './search'
import { Settings } from './settings'
import './style.css'

const VIEWS = ['Live', 'Events', 'People', 'Search', 'Review', 'Map', 'Analytics', 'Cameras', 'Settings'] as const
/** For operators and admins. */
const OPERATORS: readonly string[] = ['Search', 'Review']

function useRoute(): string[] {
  const read = () => decodeURIComponent(location.hash.replace(/^#\/?/, '')).split('/')
  const [route, setRoute] = useState(read)
  useEffect(() => {
    const changed = () => {
      setRoute(read())
      document.querySelector<HTMLElement>('main')?.focus()
    }
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return route
}

function App() {
  const [me, setMe] = useState<Me | null | undefined>(undefined)
  const [view = '', ...rest] = useRoute()
  useEffect(() => {
    whenLoggedOut(() => setMe(null))
    whoAmI().then(setMe, () => setMe(null))
  }, [])
  const shown = VIEWS.find((name) => (me?.only ? name === me.only : name.toLowerCase() === view)) ?? 'Live'
  useEffect(() => {
    document.title = `${me ? shown : 'Log in'} · perdure`
  }, [shown, me])
  if (me === undefined) return <p class="empty">…</p>
  if (me === null) return <LogIn done={setMe} />
  const person = rest.join('/')
  return (
    <>
      <a class="skip" href="#content" onClick={(e) => { e.preventDefault(); document.querySelector<HTMLElement>('main')?.focus() }}>
        To the content
      </a>
      <header>
        <span class="brand">perdure</span>
        <nav aria-label="Views">
          {VIEWS.filter((name) => (me.only ? name === me.only : !OPERATORS.includes(name) || me.role !== 'viewer')).map((name) => (
            <a key={name} href={`#/${name.toLowerCase()}`} aria-current={name === shown ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        {!me.only && <button class="quiet" onClick={() => post('logout').finally(() => setMe(null))}>
          Log out
        </button>}
      </header>
      <main id="content" tabIndex={-1}>
        {shown === 'Live' && <Live />}
        {shown === 'Events' && <Events me={me} />}
        {shown === 'People' && (person ? <PersonView id={person} me={me} /> : <People me={me} />)}
        {shown === 'Search' && <Search route={rest} />}
        {shown === 'Review' && <Review />}
        {shown === 'Map' && <MapView me={me} />}
        {shown === 'Analytics' && <Analytics />}
        {shown === 'Cameras' && <Cameras me={me} />}
        {shown === 'Settings' && <Settings me={me} />}
      </main>
    </>
  )
}

function LogIn({ done }: { done: (me: Me) => void }) {
  const [error, setError] = useState('')
  const [busy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const given = new FormData(event.currentTarget as HTMLFormElement)
    setBusy(true)
    try {
      done(await logIn(String(given.get('name')), String(given.get('password'))))
    } catch (problem) {
      setError((problem as Error).message)
    }
    setBusy(false)
  }
  return (
    <main class="login">
      <h1>perdure</h1>
      <form onSubmit={submit}>
        <label>
          Name
          <input name="name" autocomplete="username" required autofocus />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <button disabled={busy}>Log in</button>
        <Note text={error} kind="error" />
      </form>
    </main>
  )
}

const theme = localStorage.getItem('theme')
if (theme) document.documentElement.dataset.theme = theme
const root = document.getElementById('page')
if (root) render(<App />, root)
