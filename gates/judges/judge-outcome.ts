import type { ReasonCode, SeriesResult } from '../engine/types.ts'

/** What a judge says of a criterion: each of its series, and the limit they were held against. */
export interface JudgeOutcome {
  /** Never empty: a series that should be there and is not has a result of its own. */
  readonly series: readonly SeriesResult[]
  readonly limit: number | null
  /** Of failed series whose failure is a matter of probability: p value over its level, for the correction by Holm. */
  readonly surprises?: ReadonlyMap<string, number>
}

/** Nothing can be said of this series. */
export function unsound(series: string, reasons: readonly ReasonCode[], samples = 0): SeriesResult {
  return { series, verdict: 'INCONCLUSIVE', reasons, value: null, bound: null, resolution: null, samples }
}
