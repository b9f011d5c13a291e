import type { ServiceName } from '#catalog'

/** One entry of metric-registry.ts. */
export interface MetricDefinition {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Absent where it counts things. */
  readonly unit?: 'seconds' | 'bytes' | 'ratio'
  readonly help: string
  /** Label name -> its closed list of values, or null where configuration or routes bound it. */
  readonly labels: Readonly<Record<string, readonly string[] | null>>
  readonly services: readonly ServiceName[]
  readonly buckets?: readonly number[]
  readonly exemplars?: boolean
}

/** Bounds in geometric steps, with the thresholds of alerts and gates exactly on an edge. */
export function geometricBuckets(
  from: number,
  to: number,
  count: number,
  exact: readonly number[],
): number[] {
  const ratio = (to / from) ** (1 / (count - 1))
  const bounds = Array.from({ length: count }, (_, step) => Number((from * ratio ** step).toPrecision(4)))
  for (const edge of exact) bounds[nearestIndex(bounds, edge)] = edge
  return bounds
}

function nearestIndex(bounds: readonly number[], edge: number): number {
  const distances = bounds.map((bound) => Math.abs(Math.log(bound / edge)))
  return distances.indexOf(Math.min(...distances))
}

/** 1 ms to 60 s; the edges of gates and alerts (0.5, 2, 5 s) are exact. */
export const REQUEST_BUCKETS = geometricBuckets(0.001, 60, 60, [0.5, 2, 5])
