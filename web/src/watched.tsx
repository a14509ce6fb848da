// Who is followed, and where they were lately.
import { type WatchList, get } from './api'
import { Note, Picture, called, moment, useLoaded } from './parts'

/** How rare it is that a stranger looks so much alike. */
export const rarity = (rate: number | null): string => {
  if (rate === null) return ''
  return rate >= 0.1 ? `${Math.round(rate * 100)} % of strangers look as alike` : `1 in ${Math.round(1 / rate).toLocaleString()} strangers looks as alike`
}

export function Watched() {
  const { found, error } = useLoaded(() => get<WatchList>('watch'), [], 10000)
  if (error) return <Note text={error} kind="error" />
  if (!found || (!found.people.length && found.mode === 'open')) return null
  const passed = found.passers.reduce((sum, one) => sum + one.stays, 0)
  return (
    <section aria-label="Watch list">
      <h2>Watch list</h2>
      {found.mode !== 'open' && (
        <p>
          Only people on a list are kept here. Others: {passed} {passed === 1 ? 'stay' : 'stays'}, of whom nothing is kept.
        </p>
      )}
      <ul class="rows">
        {found.people.map((person) => (
          <li key={person.id}>
            <a class="row" href={`#/people/${person.id}`}>
              <Picture of={person.picture} about={called(person)} small />
              <span>
                <b>{called(person)}</b>
                {person.hits.length === 0 && <small class="faint"> not seen yet</small>}
                {person.hits.slice(0, 3).map((hit) => (
                  <small key={hit.tracklet} class="faint">
                    <br />
                    {hit.camera}, {moment(hit.start)}
                    {hit.probability !== null && ` · ${Math.round(hit.probability * 100)} % sure`}
                    {hit.false_match_rate !== null && ` · ${rarity(hit.false_match_rate)}`}
                  </small>
                ))}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}
