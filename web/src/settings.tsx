// The page itself, one's account, and for admins: users and who looked at whom.
import { useState } from 'preact/hooks'
import { type Audit, type Me, type Status, type Token, type User, get, post, put, remove } from './api'
import { Note, moment, useLoaded } from './parts'

export function Settings({ me }: { me: Me }) {
  const { found: status } = useLoaded(() => get<Status>('status'), [], 5000)
  return (
    <>
      <h1>Settings</h1>
      <Theme />
      <Password me={me} />
      <Tokens />
      {me.role === 'admin' && <Users />}
      {me.role === 'admin' && <AuditLog />}
      {status && (
        <section class="card">
          <h2>This site</h2>
          <dl>
            <dt>Version</dt>
            <dd>{status.version}</dd>
            <dt>People known</dt>
            <dd>{status.people.toLocaleString()}</dd>
            <dt>Visits going on</dt>
            <dd>{status.open_visits}</dd>
            <dt>Cameras streaming</dt>
            <dd>
              {status.cameras_streaming} of {status.cameras}
            </dd>
            <dt>Detector, embedder</dt>
            <dd>
              {status.detector}, {status.embedder}
            </dd>
            <dt>Disk free</dt>
            <dd>{(status.disk_free_mb / 1024).toFixed(1)} GB</dd>
          </dl>
          {status.unsaved_steps > 0 && (
            <Note text={`${status.unsaved_steps} times something could not be written: is the disk full?`} kind="error" />
          )}
        </section>
      )}
    </>
  )
}

function Theme() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? '')
  const choose = (wanted: string) => {
    setTheme(wanted)
    if (wanted) {
      document.documentElement.dataset.theme = wanted
      localStorage.setItem('theme', wanted)
    } else {
      delete document.documentElement.dataset.theme
      localStorage.removeItem('theme')
    }
  }
  return (
    <section class="card form">
      <h2>Look</h2>
      <label>
        Theme
        <select value={theme} onChange={(e) => choose(e.currentTarget.value)}>
          <option value="">as the system</option>
          <option value="light">light</option>
          <option value="dark">dark</option>
        </select>
      </label>
    </section>
  )
}

/** A form that says how it went. */
function useForm(send: (given: FormData) => Promise<string>) {
  const [error, setError] = useState('')
  const [good, setGood] = useState('')
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    try {
      setGood(await send(new FormData(form)))
      setError('')
      form.reset()
    } catch (problem) {
      setGood('')
      setError((problem as Error).message)
    }
  }
  const notes = (
    <>
      <Note text={error} kind="error" />
      <Note text={good} kind="good" />
    </>
  )
  return { submit, notes }
}

function Password({ me }: { me: Me }) {
  const { submit, notes } = useForm(async (given) => {
    await put(`users/${encodeURIComponent(me.name)}/password`, { password: String(given.get('password')) })
    return 'The new password holds. Log in again.'
  })
  return (
    <form class="card form" onSubmit={submit}>
      <h2>Password of {me.name}</h2>
      <label>
        New password
        <input name="password" type="password" minLength={10} autocomplete="new-password" required />
      </label>
      <button>Set</button>
      {notes}
    </form>
  )
}

function Tokens() {
  const { found: tokens, again } = useLoaded(() => get<Token[]>('tokens'), [])
  const { submit, notes } = useForm(async (given) => {
    const made = await post<Token>('tokens', { label: String(given.get('label')) })
    await again()
    return `The key, shown this once: ${made.secret}`
  })
  return (
    <form class="card form" onSubmit={submit}>
      <h2>Keys for programs</h2>
      <ul class="plain">
        {tokens?.map((token) => (
          <li key={token.id}>
            {token.label} <small class="faint">of {token.user}, {moment(token.created)}</small>{' '}
            <button
              type="button"
              class="quiet"
              aria-label={`take back ${token.label}`}
              onClick={() => remove(`tokens/${token.id}`).then(again)}
            >
              Take back
            </button>
          </li>
        ))}
      </ul>
      <label>
        What for
        <input name="label" maxLength={200} required />
      </label>
      <button>Make a key</button>
      {notes}
    </form>
  )
}

function Users() {
  const { found: users, again } = useLoaded(() => get<User[]>('users'), [])
  const [said, setSaid] = useState('')
  const { submit, notes } = useForm(async (given) => {
    const cameras = String(given.get('cameras')).split(',').map((c) => c.trim()).filter(Boolean)
    await post('users', { name: given.get('name'), role: given.get('role'), password: given.get('password'), cameras })
    await again()
    return `${given.get('name')} can log in.`
  })
  return (
    <form class="card form" onSubmit={submit}>
      <h2>Users</h2>
      <Note text={said} kind="error" />
      <ul class="plain">
        {users?.map((user) => (
          <li key={user.name}>
            {user.name} <small class="faint">{user.role}{user.cameras.length > 0 && `, sees ${user.cameras.join(', ')}`}</small>{' '}
            <button
              type="button"
              class="quiet"
              aria-label={`remove ${user.name}`}
              onClick={() => remove(`users/${encodeURIComponent(user.name)}`).then(() => setSaid(''), (e: Error) => setSaid(e.message)).then(again)}
            >
              Remove
            </button>
          </li>
        ))}
      </ul>
      <label>
        Name
        <input name="name" maxLength={64} autocomplete="off" required />
      </label>
      <label>
        Role
        <select name="role">
          <option value="viewer">viewer: looks</option>
          <option value="operator">operator: corrects</option>
          <option value="admin">admin: everything</option>
        </select>
      </label>
      <label>
        Only these cameras (empty: all)
        <input name="cameras" placeholder="door, yard" />
      </label>
      <label>
        Password
        <input name="password" type="password" minLength={10} autocomplete="new-password" required />
      </label>
      <button>Add</button>
      {notes}
    </form>
  )
}

function AuditLog() {
  const { found: notes } = useLoaded(() => get<Audit[]>('audit', { limit: 50 }), [], 10000)
  return (
    <details class="card">
      <summary>Who looked at whom</summary>
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th>When</th>
              <th>Who</th>
              <th>What</th>
              <th>Whom</th>
            </tr>
          </thead>
          <tbody>
            {notes?.map((note) => (
              <tr key={note.id}>
                <td>{moment(note.at)}</td>
                <td>{note.user}</td>
                <td>{note.action}</td>
                <td>{note.subject}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
