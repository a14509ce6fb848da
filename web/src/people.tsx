// Everybody, the last seen first, and the changes that can be taken back.
import { useEffect, useState } from 'preact/hooks'
import { type Change, type Me, type Page, type Person, get, post } from './api'
import { Enrol } from './enrol'
import { Chips, Empty, Note, Picture, called, moment, useLoaded } from './parts'
import { Watched } from './watched'

export function People({ me }: { me: Me }) {
  const [named, setNamed] = useState('')
  const [items, setItems] = useState<Person[]>([])
  const { found: page, error, again } = useLoaded(() => get<Page<Person>>('people', { named, limit: 48 }), [named], 10000)
  const [next, setNext] = useState<string | null>(null)
  useEffect(() => {
    setItems(page?.items ?? [])
    setNext(page?.next ?? null)
  }, [page])
  const more = async () => {
    const following = await get<Page<Person>>('people', { named, limit: 48, after: next })
    setItems((before) => [...before, ...following.items.filter((p) => !before.some((b) => b.id === p.id))])
    setNext(following.next)
  }
  return (
    <>
      <h1>People</h1>
      {me.role !== 'viewer' && <Enrol done={() => void again()} />}
      <Watched />
      <form class="filters" onSubmit={(e) => e.preventDefault()}>
        <label>
          Name or number
          <input type="search" value={named} onInput={(e) => setNamed(e.currentTarget.value)} />
        </label>
      </form>
      <Note text={error} kind="error" />
      {page && items.length === 0 && <Empty>Nobody yet.</Empty>}
      <ul class="cards people">
        {items.map((person) => (
          <li key={person.id}>
            <a class="card" href={`#/people/${person.id}`}>
              <Picture of={person.picture} about={called(person)} />
              <span>
                <b>{called(person)}</b> {person.enrolled > 0 && <span class="chip">enrolled</span>}{' '}
                {person.watched && <span class="chip">watched</span>}
                <br />
                <Chips names={person.cameras} />
                <br />
                <small class="faint">
                  {moment(person.last_seen)}
                  {person.sightings > 0 &&
                    ` · ${person.sightings} ${person.sightings === 1 ? 'sighting' : 'sightings'} · ${Math.round(person.confidence * 100)} % sure`}
                </small>
              </span>
            </a>
          </li>
        ))}
      </ul>
      {next && <button onClick={more}>More</button>}
      <Changes />
    </>
  )
}

const TAKEN_BACK = ['Merged', 'Moved', 'Split', 'Renamed', 'Watched', 'Constrained']

export function Changes() {
  const { found: changes, again } = useLoaded(() => get<Change[]>('changes', { limit: 30 }), [], 10000)
  const [error, setError] = useState('')
  const undo = async (position: number) => {
    try {
      await post(`changes/${position}/undo`)
      setError('')
    } catch (problem) {
      setError((problem as Error).message)
    }
    await again()
  }
  return (
    <details class="changes">
      <summary>Latest changes</summary>
      <Note text={error} kind="error" />
      <ol>
        {changes?.map((change) => (
          <li key={change.position} class={change.stands ? '' : 'undone'}>
            <span>
              {change.kind} {Object.values(change.about).flat().map(String).join(' · ')}
              <small class="faint"> {moment(change.at)}</small>
            </span>
            {change.stands && TAKEN_BACK.includes(change.kind) && (
              <button class="quiet" onClick={() => undo(change.position)}>
                Undo
              </button>
            )}
          </li>
        ))}
      </ol>
    </details>
  )
}
