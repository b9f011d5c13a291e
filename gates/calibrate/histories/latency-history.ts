import type { Sample } from '../../statistics/floors.ts'
import type { Random } from './random.ts'

/** Upper edges of the buckets, seconds: geometric from 10 ms to 5 s. */
const EDGES = Array.from({ length: 60 }, (_, index) => 0.01 * 500 ** (index / 59))
const MIDDLE_SECONDS = 0.12
const SPREAD = 0.45
const DAILY = 0.08
const REQUESTS_PER_HOUR = 3600

/** Hourly p95, as `histogram_quantile` reads it from buckets, of requests whose middle moves and drifts. */
export function latencyHistory(
  random: Random,
  { noise, drift, hours }: { readonly noise: number; readonly drift: number; readonly hours: number },
): readonly Sample[] {
  const phase = 24 * random.uniform()
  const keep = Math.exp(-1 / 60)
  let plateau = noise * random.normal()
  return Array.from({ length: hours }, (_, hour) => {
    const counts = new Uint32Array(EDGES.length + 1)
    for (let minute = 0; minute < 60; minute += 1) {
      const at = hour + minute / 60
      plateau = keep * plateau + noise * Math.sqrt(1 - keep * keep) * random.normal()
      const daily = DAILY * Math.sin((2 * Math.PI * (at + phase)) / 24)
      countMinute(
        random,
        counts,
        Math.log(MIDDLE_SECONDS) + plateau + daily + (Math.log1p(drift) * at) / hours,
      )
    }
    return { hours: hour + 1, value: quantileOf(counts, 0.95) }
  })
}

function countMinute(random: Random, counts: Uint32Array, middle: number): void {
  const ratio = Math.log(500) / 59
  for (let request = 0; request < REQUESTS_PER_HOUR / 60; request += 1) {
    const logarithm = middle + SPREAD * random.normal()
    const bucket = Math.min(Math.max(Math.ceil((logarithm - Math.log(0.01)) / ratio), 0), EDGES.length)
    counts[bucket] = (counts[bucket] ?? 0) + 1
  }
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
