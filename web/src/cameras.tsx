// Cameras: how they fare; add, test, draw on, take out.
import { useState } from 'preact/hooks'
import { type Camera, type Me, get, post, remove } from './api'
import { Draw } from './draw'
import { Empty, Note, moment, useLoaded } from './parts'

type Tested = { width: number; height: number; fps: number; codec: string }

export function Cameras({ me }: { me: Me }) {
  const { found: cameras, error, again } = useLoaded(() => get<Camera[]>('cameras'), [], 3000)
  const [said, setSaid] = useState('')
  const [drawing, setDrawing] = useState('')
  const take = async (name: string) => {
    if (!confirm(`Stop watching ${name}? Whom it saw stays known.`)) return
    try {
      await remove(`cameras/${encodeURIComponent(name)}`)
      setSaid('')
    } catch (problem) {
      setSaid((problem as Error).message)
    }
    await again()
  }
  return (
    <>
      <h1>Cameras</h1>
      <Note text={error || said} kind="error" />
      {cameras?.length === 0 && <Empty>No camera yet.</Empty>}
      {cameras && cameras.length > 0 && (
        <div class="wide">
          <table>
            <thead>
              <tr>
                <th>Camera</th>
                <th>State</th>
                <th>Frames a second</th>
                <th>Last picture</th>
                <th>Opened</th>
                <th>Source</th>
                <th>Change</th>
              </tr>
            </thead>
            <tbody>
              {cameras.map((camera) => (
                <tr key={camera.name}>
                  <td>
                    <b>{camera.name}</b>
                  </td>
                  <td>
                    <span class={`state ${camera.state}`}>{camera.state}</span> {camera.error}
                  </td>
                  <td>{camera.fps.toFixed(1)}</td>
                  <td>{camera.last_at ? moment(camera.last_at) : '–'}</td>
                  <td>{camera.connections} ×</td>
                  <td class="source">{camera.source}</td>
                  <td>
                    <button class="quiet" aria-label={`zones and lines of ${camera.name}`} onClick={() => setDrawing(camera.name)}>
                      Zones
                    </button>{' '}
                    {me.role === 'admin' && (
                      <button class="quiet" aria-label={`remove ${camera.name}`} onClick={() => take(camera.name)}>
                        Remove
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {drawing && cameras?.some(({ name }) => name === drawing) && (
        <Draw key={drawing} camera={drawing} me={me} close={() => setDrawing('')} />
      )}
      {me.role === 'admin' && <Add done={again} />}
    </>
  )
}

function Add({ done }: { done: () => Promise<void> }) {
  const [name, setName] = useState('')
  const [source, setSource] = useState('')
  const [error, setError] = useState('')
  const [good, setGood] = useState('')
  const [busy, setBusy] = useState(false)
  const act = async (what: () => Promise<string>) => {
    setBusy(true)
    try {
      setGood(await what())
      setError('')
    } catch (problem) {
      setGood('')
      setError((problem as Error).message)
    }
    setBusy(false)
    await done()
  }
  const test = () =>
    act(async () => {
      const found = await post<Tested>('cameras/test', { source })
      return `It works: ${found.width} × ${found.height}, ${found.fps} frames a second, ${found.codec}.`
    })
  const add = (event: SubmitEvent) => {
    event.preventDefault()
    void act(async () => {
      await post('cameras', { name, source })
      setName('')
      setSource('')
      return `${name} is watched now.`
    })
  }
  return (
    <form class="card form" onSubmit={add}>
      <h2>Add a camera</h2>
      <label>
        Name
        <input value={name} onInput={(e) => setName(e.currentTarget.value)} pattern="[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}" required />
      </label>
      <label>
        Address
        <input
          value={source}
          onInput={(e) => setSource(e.currentTarget.value)}
          placeholder="rtsp://user:password@192.0.2.10:554/stream2"
          required
        />
      </label>
      <p class="actions">
        <button type="button" class="quiet" disabled={busy || !source} onClick={test}>
          Test
        </button>
        <button disabled={busy}>Add</button>
      </p>
      <Note text={error} kind="error" />
      <Note text={good} kind="good" />
    </form>
  )
}
