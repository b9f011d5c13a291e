import type { Sample } from '../../statistics/floors.ts'
import type { Random } from './random.ts'

/** Upper edges of the buckets but for the last, seconds: geometric from 10 ms to 5 s. */
export const EDGES: readonly number[] = Array.from({ length: 60 }, (_, index) => 0.01 * 500 ** (index / 59))
const MIDDLE_SECONDS = 0.12
const SPREAD = 0.45
const DAILY = 0.08
const REQUESTS_PER_HOUR = 3600

/** How the requests of a route go; `noise` and `drift` are shares of their duration, drift over the whole time. */
export interface LatencyShape {
  readonly noise: number
  readonly drift: number
  readonly hours: number
}

/** Hourly p95, as `histogram_quantile` reads it from buckets, of requests whose middle moves and drifts. */
export function latencyHistory(random: Random, shape: LatencyShape): readonly Sample[] {
  return latencyHours(random, shape).map((minutes, hour) => {
    const counts = new Uint32Array(EDGES.length + 1)
    for (const minute of minutes) for (const [bucket, count] of minute.entries()) addTo(counts, bucket, count)
    return { hours: hour + 1, value: quantileOf(counts, 0.95) }
  })
}

/** Requests by bucket (the last one beyond every edge), minute for minute of each hour. */
export function latencyHours(
  random: Random,
  { noise, drift, hours }: LatencyShape,
): readonly (readonly Uint16Array[])[] {
  const phase = 24 * random.uniform()
  const keep = Math.exp(-1 / 60)
  let plateau = noise * random.normal()
  return Array.from({ length: hours }, (_, hour) =>
    Array.from({ length: 60 }, (_each, minute) => {
      const at = hour + minute / 60
      plateau = keep * plateau + noise * Math.sqrt(1 - keep * keep) * random.normal()
      const daily = DAILY * Math.sin((2 * Math.PI * (at + phase)) / 24)
      return minuteOf(random, Math.log(MIDDLE_SECONDS) + plateau + daily + (Math.log1p(drift) * at) / hours)
    }),
  )
}

function minuteOf(random: Random, middle: number): Uint16Array {
  const counts = new Uint16Array(EDGES.length + 1)
  const ratio = Math.log(500) / 59
  for (let request = 0; request < REQUESTS_PER_HOUR / 60; request += 1) {
    const logarithm = middle + SPREAD * random.normal()
    addTo(counts, Math.min(Math.max(Math.ceil((logarithm - Math.log(0.01)) / ratio), 0), EDGES.length), 1)
  }
  return counts
}

function addTo(counts: Uint16Array | Uint32Array, bucket: number, count: number): void {
  counts[bucket] = (counts[bucket] ?? 0) + count
}

function quantileOf(counts: Uint32Array, share: number): number {
  const wanted = share * REQUESTS_PER_HOUR
  let below = 0
  for (const [index, edge] of EDGES.entries()) {
    const here = counts[index] ?? 0
    if (below + here >= wanted) {
      const lower = index === 0 ? 0 : (EDGES[index - 1] ?? 0)
      return lower + ((edge - lower) * (wanted - below)) / here
    }
    below += here
  }
  return Number.POSITIVE_INFINITY
}
