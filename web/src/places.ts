// Zones and lines of a camera's picture; points are shares of its width and height.
export type Point = [number, number]
export type Zone = {
  polygon: Point[]
  min_stay_s?: number
  max_people?: number | null
  loiter_after_s?: number | null
  queue?: boolean
  served_by?: string | null
}
export type Line = { start: Point; end: Point }
export type Drawn = { zones: Record<string, Zone>; lines: Record<string, Line>; max_people: number | null }
export type DrawnOut = { drawn: Drawn; editable: boolean }
export type Place = {
  place: string
  camera: string
  name: string
  kind: 'zone' | 'queue' | 'line' | 'camera' | 'site'
  people: { person: string; since: number }[]
  count: number
  max_people: number | null
  crossed_in: number
  crossed_out: number
  visitors: number
  stays: number
  mean_stay_s: number | null
  served: number
  gave_up: number
}

const round = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * 1000) / 1000
export const at = (x: number, y: number): Point => [round(x), round(y)]

/** What a place has to say now, in a few words. */
export const figures = (place: Place): string => {
  if (place.kind === 'line') return `${place.crossed_in} in, ${place.crossed_out} out today`
  const now = `${place.count}${place.max_people === null ? '' : ` of ${place.max_people}`} now`
  return place.kind === 'queue' ? `${now}, ${place.served} served today` : `${now}, ${place.visitors} today`
}

/** The middle of a line, and the tip of an arrow from there to the side that is "in": the right of start to end. */
export const inwards = ({ start, end }: Line): { middle: Point; tip: Point } => {
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]]
  const long = Math.hypot(dx, dy) || 1
  const middle: Point = [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2]
  return { middle, tip: [middle[0] - (0.07 * dy) / long, middle[1] + (0.07 * dx) / long] }
}
