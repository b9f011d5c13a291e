import { at, mean } from './linear-algebra.ts'

/** One scrape: hours since the start of the soak, and its value; NaN where the scrape failed. */
export interface Sample {
  readonly hours: number
  readonly value: number
}

export interface FloorSettings {
  readonly startHours: number
  readonly endHours: number
  readonly binHours: number
  /** `lowest`: the lower envelope of a saw-tooth. `mean`: the series has one value per bin already. */
  readonly reduce: 'lowest' | 'mean'
}

export interface Floors {
  /** Centre of each kept bin, hours since the start of the soak. */
  readonly hours: readonly number[]
  readonly values: readonly number[]
  /** Bins without enough scrapes. */
  readonly dropped: number
}

/** A bin with fewer of its scrapes than this share says nothing certain about its floor. */
const SCRAPES_NEEDED = 0.8
const EDGE_TOLERANCE = 1e-9
/** Neighbours further apart than this many usual distances are no neighbours: there is a hole. */
const NEIGHBOUR_DISTANCES = 1.5

/** One value per bin of time: garbage collection and traffic move above the floor, a leak lifts it. */
export function floorsOf(samples: readonly Sample[], settings: FloorSettings): Floors {
  const { startHours, endHours, binHours, reduce } = settings
  const known = samples.filter(({ value }) => !Number.isNaN(value)).toSorted((a, b) => a.hours - b.hours)
  const distance = usualDistance(known)
  const clean = reduce === 'lowest' ? despiked(known, distance) : known
  const count = Math.floor((endHours - startHours) / binHours + EDGE_TOLERANCE)
  const bins = Array.from({ length: Math.max(0, count) }, (): number[] => [])
  for (const { hours, value } of clean) {
    bins[Math.floor((hours - startHours) / binHours + EDGE_TOLERANCE)]?.push(value)
  }
  const needed = reduce === 'lowest' ? (SCRAPES_NEEDED * binHours) / distance : 1
  const kept = bins.flatMap((values, index) => (values.length >= needed ? [{ index, values }] : []))
  return {
    hours: kept.map(({ index }) => startHours + (index + 0.5) * binHours),
    values: kept.map(({ values }) => (reduce === 'lowest' ? Math.min(...values) : mean(values))),
    dropped: bins.length - kept.length,
  }
}

/** Median distance of neighbouring scrapes, in hours. */
function usualDistance(samples: readonly Sample[]): number {
  const distances = samples.slice(1).map(({ hours }, index) => hours - at(samples, index).hours)
  return distances.toSorted((a, b) => a - b)[Math.floor(distances.length / 2)] ?? Number.POSITIVE_INFINITY
}

/** Median of three: one odd scrape must not become the floor of its bin. */
function despiked(samples: readonly Sample[], distance: number): readonly Sample[] {
  return samples.map((sample, index) => {
    const before = samples[index - 1]
    const after = samples[index + 1]
    const isInside =
      before !== undefined &&
      after !== undefined &&
      sample.hours - before.hours < NEIGHBOUR_DISTANCES * distance &&
      after.hours - sample.hours < NEIGHBOUR_DISTANCES * distance
    return isInside ? { ...sample, value: median3(before.value, sample.value, after.value) } : sample
  })
}

function median3(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}

/**
 * Smallest step that the raw values can make: the least non-zero gap between any two of them after the warm-up.
 * Taken from scrapes and never from floors, between which a leak makes every gap large. 0 for a constant series.
 */
export function quantumOf(samples: readonly Sample[], startHours: number): number {
  const values = samples.filter(
    ({ hours, value }) => !Number.isNaN(value) && hours >= startHours - EDGE_TOLERANCE,
  )
  const sorted = values.map(({ value }) => value).toSorted((a, b) => a - b)
  const largest = Math.max(Math.abs(sorted[0] ?? 0), Math.abs(sorted.at(-1) ?? 0))
  let quantum = Number.POSITIVE_INFINITY
  for (let index = 1; index < sorted.length; index += 1) {
    const gap = at(sorted, index) - at(sorted, index - 1)
    if (gap > EDGE_TOLERANCE * largest && gap < quantum) quantum = gap
  }
  return Number.isFinite(quantum) ? quantum : 0
}
