/** What differs between a resource that must not grow and a latency that must not drift. */
export interface TrendProfile {
  /** Nominal one-sided level of the bounds; calibrated, so a little below the 0.05 that is claimed. */
  readonly level: number
  /** Grid of correlation times, as shares of the length: from `shortest` to `longest`, geometric. */
  readonly shortest: number
  readonly longest: number
  readonly gridSize: number
  /** Weight of a correlation time: tau to this power. Resources get the benefit of long memory. */
  readonly weightPower: number
  /** PASS also needs the bound of the late half below this many deltas. */
  readonly lateFactor: number
  /** Whether the estimate of the late half takes part in the decision, besides its bound. */
  readonly usesLateEstimate: boolean
  /** Whether a step is looked for. */
  readonly looksForStep: boolean
  readonly reduce: 'lowest' | 'mean'
}

/** Memory, heap, handles, descriptors: the floor of a saw-tooth. */
export const RESOURCE_TREND: TrendProfile = {
  level: 0.04,
  shortest: 1 / 44,
  longest: 2,
  gridSize: 10,
  weightPower: 1,
  lateFactor: 1.5,
  usesLateEstimate: true,
  looksForStep: true,
  reduce: 'lowest',
}

/** Logarithm of an hourly p95. */
export const LATENCY_TREND: TrendProfile = {
  level: 0.05,
  shortest: 1 / 88,
  longest: 1 / 6,
  gridSize: 7,
  weightPower: 0,
  lateFactor: 3,
  usesLateEstimate: false,
  looksForStep: false,
  reduce: 'mean',
}

/** Length of a bin for a window of this many hours after the warm-up. */
export function binHoursFor(windowHours: number): number {
  if (windowHours >= 36) return 2
  return windowHours >= 16 ? 1 : 0.5
}

/** Hours at the start that are not judged for growth. */
export function warmupHoursFor(soakHours: number): number {
  return soakHours >= 12 ? 4 : 1
}
