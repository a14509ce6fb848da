// What the review page is made of: strips of pictures, keys, progress, what contradicts, and what is disputed.
import { useEffect, useState } from 'preact/hooks'
import { get, kept, post } from './api'
import { Empty, Note, lasted, moment } from './parts'

export type Stay = { tracklet: string; camera: string; start: number; end: number; pictures: string[]; at: number[] }
export type Side = { stands: string; identity: string; name: string; stays: Stay[]; tracklets: string[] }
export type Candidate = Side & { probability: number; gain: number; odds: number }
export type Row = { kind: 'join' | 'part'; subject: Side; candidates: Candidate[] }
export type Progress = {
  answered: number
  mine: number
  left: number
  errors_left: number
  misplaced: number
  tracklets: number
  people: number
  disputes: number
  looking: number
}
export type Saying = 'same' | 'different' | 'unsure'
export type Told = { number: number; by: string; first: string; second: string; said: string }
export type Refused = { first: string; second: string; reason: string; against: Told[] }
export type Outcome = { taken: Told[]; refused: Refused[]; progress: Progress }
export type Dispute = { first: Side; second: Side; answers: Told[] }
export type Said = { first: string; second: string; said: Saying; kind: 'join' | 'part' | 'split'; odds?: number; leaving?: string[] }

/** Of a recording the time since its beginning, else the moment. */
const when = (at: number) => (at < 1e8 ? `${at < 3600 ? '' : `${Math.floor(at / 3600)}:`}${String(Math.floor((at / 60) % 60)).padStart(2, '0')}:${String(Math.floor(at % 60)).padStart(2, '0')}` : moment(at))
export const called = (side: Side) => side.name || side.identity

/** The pictures of a strip in order of time, with the stay each belongs to. */
export const shots = (side: Side) => side.stays.flatMap((stay) => stay.pictures.map((picture, at) => ({ stay, picture, time: stay.at[at] })))

export function Bar({ progress, view, setView, said }: { progress: Progress | null; view: string; setView: (to: 'ask' | 'disputes') => void; said: string }) {
  if (!progress) return null
  const total = progress.answered + progress.left
  return (
    <div class="progressbar">
      <progress max={Math.max(total, 1)} value={progress.answered} aria-label="Answered of what is worth asking" />
      <span>
        <b>{progress.answered}</b> answered ({progress.mine} by you), <b>{progress.left}</b> worth asking · about{' '}
        <b>{Math.round(progress.errors_left)}</b> mistakes left among {progress.tracklets} sightings of {progress.people} people
      </span>
      {(progress.disputes > 0 || view === 'disputes') && (
        <button class="quiet" onClick={() => setView(view === 'ask' ? 'disputes' : 'ask')}>
          {view === 'ask' ? `${progress.disputes} disputed` : 'Back to the questions'}
        </button>
      )}
      <span class="said" role="status">{said}</span>
    </div>
  )
}

export function Strip({ side, label, more, splitting, split }: { side: Side; label: string; more?: preact.ComponentChildren; splitting: boolean; split: (side: Side, place: number) => void }) {
  const [first, setFirst] = useState(0)
  const all = shots(side)
  useEffect(() => setFirst(Math.max(0, all.findIndex((shot) => shot.stay.tracklet === side.stands))), [side.stands])
  const big = all[Math.min(first, all.length - 1)]
  const stay = big?.stay ?? side.stays[0]
  return (
    <section class={splitting ? 'side card splitting' : 'side card'} aria-label={label}>
      <p class="sidehead">
        <b>{label}</b> {more}
      </p>
      {big ? <img class="big" src={kept(big.picture)} alt={`${label} at ${big.stay.camera}`} /> : <span class="big none" role="img" aria-label={`no picture of ${label}`} />}
      {stay && (
        <p class="faint">
          <span class="chip">{stay.camera}</span> {when(stay.start)}, {lasted(stay.end - stay.start)}
          {side.stays.length > 1 && ` · ${side.stays.length} sightings`}
        </p>
      )}
      <ol class="shots" aria-label={`Pictures of ${label} in order of time`}>
        {all.map((shot, place) => (
          <li key={shot.picture} class={place > 0 && all[place - 1]?.stay !== shot.stay ? 'begins' : ''}>
            <button
              class="shot"
              aria-label={splitting ? `somebody else from here on, ${shot.stay.camera}` : `show picture ${place + 1}, ${shot.stay.camera}`}
              aria-pressed={place === first}
              disabled={splitting && place === 0}
              onClick={() => (splitting ? split(side, place) : setFirst(place))}
            >
              <Shot picture={shot.picture} about="" />
            </button>
          </li>
        ))}
      </ol>
    </section>
  )
}

export const Shot = ({ picture, about }: { picture: string; about: string }) =>
  picture ? <img class="crop small" src={kept(picture)} alt={about} /> : <span class="crop small none" role="img" aria-label={`no picture of ${about}`} />

export function Key({ name, label, act, kind, pressed }: { name: string; label: string; act: () => void; kind?: 'yes' | 'no'; pressed?: boolean }) {
  return (
    <button class={kind ? `key ${kind}` : 'key quiet'} onClick={act} aria-pressed={pressed} aria-keyshortcuts={name}>
      {label} <kbd>{name}</kbd>
    </button>
  )
}

export function Contradiction({ refused, undo, close }: { refused: Refused; undo: (number: number) => void; close: () => void }) {
  return (
    <div class="note error" role="alert">
      <p>{refused.reason}</p>
      {refused.against.length > 0 && (
        <ul>
          {refused.against.map((answer, place) => (
            <li key={answer.number}>
              {answer.by} said that {answer.first} and {answer.second} are {answer.said}
              {place === 0 && ' (the least probable of these)'}{' '}
              <button class="quiet" onClick={() => undo(answer.number)}>
                Take it back
              </button>
            </li>
          ))}
        </ul>
      )}
      <button class="quiet" onClick={close}>
        Leave it
      </button>
    </div>
  )
}

export function Disputes({ path, setProgress }: { path: string; setProgress: (now: Progress) => void }) {
  const [found, setFound] = useState<Dispute[] | null>(null)
  const [error, setError] = useState('')
  const load = () => get<Dispute[]>(`${path}/disputes`).then(setFound, (problem: Error) => setError(problem.message))
  useEffect(() => void load(), [path])
  const say = async (dispute: Dispute, said: Saying) => {
    try {
      const answers = [{ first: dispute.first.stands, second: dispute.second.stands, said }]
      setProgress((await post<Outcome>(`${path}/answers`, { answers })).progress)
      await load()
    } catch (problem) {
      setError((problem as Error).message)
    }
  }
  const nothing = () => undefined
  return (
    <>
      <Note text={error} kind="error" />
      {found && !found.length && <Empty>Nobody disagrees.</Empty>}
      {found?.map((dispute) => (
        <article key={`${dispute.first.stands} ${dispute.second.stands}`} class="dispute">
          <p>{dispute.answers.map((answer) => `${answer.by}: ${answer.said}`).join(' · ')} — a third look, or an admin, decides.</p>
          <div class="pair">
            <Strip side={dispute.first} label={called(dispute.first)} splitting={false} split={nothing} />
            <Strip side={dispute.second} label={called(dispute.second)} splitting={false} split={nothing} />
          </div>
          <div class="answers">
            <button class="key yes" onClick={() => void say(dispute, 'same')}>Same</button>
            <button class="key no" onClick={() => void say(dispute, 'different')}>Different</button>
          </div>
        </article>
      ))}
    </>
  )
}
