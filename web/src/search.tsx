// Drop a picture: who looks most like this?
import { useEffect, useState } from 'preact/hooks'
import { type Searched, post } from './api'
import { Chips, Empty, Note, Picture, called, moment } from './parts'

export function Search() {
  const [file, setFile] = useState<File | null>(null)
  const [shown, setShown] = useState('')
  const [size, setSize] = useState<[number, number]>([1, 1])
  const [answer, setAnswer] = useState<Searched | null>(null)
  const [error, setError] = useState('')
  const [busy, setBusy] = useState(false)
  useEffect(() => {
    if (!file) return
    const url = URL.createObjectURL(file)
    setShown(url)
    return () => URL.revokeObjectURL(url)
  }, [file])
  const search = async (picture: File, which?: number) => {
    const form = new FormData()
    form.set('picture', picture)
    if (which !== undefined) form.set('which', String(which))
    setBusy(true)
    setFile(picture)
    try {
      setAnswer(await post<Searched>('search', form))
      setError('')
    } catch (problem) {
      setAnswer(null)
      setError((problem as Error).message)
    }
    setBusy(false)
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    const dropped = event.dataTransfer?.files[0]
    if (dropped) void search(dropped)
  }
  return (
    <>
      <h1>Search</h1>
      <p>Who was seen that looks like the person on a picture? Similar is not the same: look at the pictures.</p>
      <div class="drop" onDragOver={(e) => e.preventDefault()} onDrop={drop}>
        <label>
          Drop a picture here, or choose one
          <input
            type="file"
            accept="image/*"
            onChange={(e) => {
              const given = e.currentTarget.files?.[0]
              if (given) void search(given)
            }}
          />
        </label>
        {shown && (
          <div class="asked">
            <img
              src={shown}
              alt="what is looked for"
              onLoad={(e) => setSize([e.currentTarget.naturalWidth, e.currentTarget.naturalHeight])}
            />
            {answer?.boxes.map((box, which) => (
              <button
                key={`${box.x1} ${box.y1}`}
                class={which === answer.chosen ? 'box chosen' : 'box'}
                aria-label={`look for person ${which + 1}`}
                style={{
                  left: `${(100 * box.x1) / size[0]}%`,
                  top: `${(100 * box.y1) / size[1]}%`,
                  width: `${(100 * (box.x2 - box.x1)) / size[0]}%`,
                  height: `${(100 * (box.y2 - box.y1)) / size[1]}%`,
                }}
                onClick={() => file && search(file, which)}
              />
            ))}
          </div>
        )}
      </div>
      <Note text={error} kind="error" />
      {busy && <p role="status">Searching …</p>}
      {answer?.chosen === null && answer.boxes.length > 1 && (
        <Note text={`There are ${answer.boxes.length} people on this picture: choose one.`} kind="plain" />
      )}
      {answer && answer.boxes.length === 0 && (
        <Note text="No person was found on it; the whole picture was compared." kind="plain" />
      )}
      {answer && answer.hits.length === 0 && answer.boxes.length < 2 && <Empty>Nobody is known yet.</Empty>}
      <ul class="cards people">
        {answer?.hits.map((hit) => (
          <li key={hit.id}>
            <a class="card" href={`#/people/${hit.id}`}>
              <Picture of={hit.picture} about={called(hit)} />
              <span>
                <b>{called(hit)}</b> <small>similarity {hit.similarity.toFixed(2)}</small>
                <br />
                <Chips names={hit.cameras} />
                <br />
                <small class="faint">last {moment(hit.last_seen)}</small>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </>
  )
}
