// Enrol a person by dropped pictures, asking who is meant where several people are on one.
import { useEffect, useState } from 'preact/hooks'
import { type Enrolment, type Given, enrol } from './api'
import { Note, called } from './parts'

export function Enrol({ done }: { done: () => void }) {
  const [name, setName] = useState('')
  const [files, setFiles] = useState<File[]>([])
  const [answer, setAnswer] = useState<Enrolment | null>(null)
  const [error, setError] = useState('')
  const [busy, setBusy] = useState(false)
  const send = async (given: Given[]) => {
    setBusy(true)
    setFiles(given.map((one) => one.file))
    try {
      setAnswer(await enrol(name.trim(), given))
      setError('')
      done()
    } catch (problem) {
      setAnswer(null)
      setError((problem as Error).message)
    }
    setBusy(false)
  }
  const take = (given: FileList | undefined | null) => {
    if (given?.length) {
      setFiles([...given])
      setAnswer(null)
    }
  }
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    void send(files.map((file) => ({ file, box: null })))
  }
  const good = answer?.pictures.filter((picture) => picture.outcome === 'used' || picture.outcome === 'odd').length ?? 0
  return (
    <details class="enrol">
      <summary>Enrol a person</summary>
      <p>
        Cameras then know the person by name. Give a few pictures of the whole person, from several sides: cut out, or scenes.
      </p>
      <form class="form" onSubmit={submit}>
        <label>
          Name of the person
          <input value={name} required maxLength={200} onInput={(e) => setName(e.currentTarget.value)} />
        </label>
        <div
          class="drop"
          onDragOver={(e) => e.preventDefault()}
          onDrop={(e) => {
            e.preventDefault()
            take(e.dataTransfer?.files)
          }}
        >
          <label>
            Drop pictures here, or choose them
            <input type="file" accept="image/*" multiple onChange={(e) => take(e.currentTarget.files)} />
          </label>
          {files.length > 0 && <p>{files.map((file) => file.name).join(', ')}</p>}
        </div>
        <button disabled={busy || !files.length || !name.trim()}>{busy ? 'Looking …' : 'Enrol'}</button>
      </form>
      <Note text={error} kind="error" />
      {answer && (
        <Note
          text={
            answer.person
              ? `${called(answer.person)} is enrolled with ${good} of ${answer.pictures.length} pictures.`
              : 'Nobody was enrolled: no picture can be used yet.'
          }
          kind={answer.person ? 'good' : 'plain'}
        />
      )}
      <ul class="plain">
        {answer?.pictures.map((picture, at) => {
          const file = files[at]
          if (picture.outcome === 'used') return null
          return (
            <li key={picture.file}>
              <b>{picture.file}</b>: {picture.said}
              {picture.outcome === 'several' && file && (
                <Which file={file} boxes={picture.boxes} choose={(box) => void send([{ file, box }])} />
              )}
            </li>
          )
        })}
      </ul>
    </details>
  )
}

type Box = [number, number, number, number]

function Which({ file, boxes, choose }: { file: File; boxes: Box[]; choose: (box: Box) => void }) {
  const [shown, setShown] = useState('')
  const [size, setSize] = useState<[number, number]>([1, 1])
  useEffect(() => {
    const url = URL.createObjectURL(file)
    setShown(url)
    return () => URL.revokeObjectURL(url)
  }, [file])
  return (
    <div class="asked">
      {shown && (
        <img src={shown} alt={file.name} onLoad={(e) => setSize([e.currentTarget.naturalWidth, e.currentTarget.naturalHeight])} />
      )}
      {boxes.map((box, which) => (
        <button
          key={box.join()}
          class="box"
          type="button"
          aria-label={`person ${which + 1} is meant`}
          style={{
            left: `${(100 * box[0]) / size[0]}%`,
            top: `${(100 * box[1]) / size[1]}%`,
            width: `${(100 * (box[2] - box[0])) / size[0]}%`,
            height: `${(100 * (box[3] - box[1])) / size[1]}%`,
          }}
          onClick={() => choose(box)}
        />
      ))}
    </div>
  )
}
