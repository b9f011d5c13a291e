import type { ReasonCode, SeriesResult, StoredAnswer } from '../engine/types.ts'
import { type JudgeOutcome, unsound } from './judge-outcome.ts'
import { joinReadings } from './join-readings.ts'
import type { ExpectedSeries } from './read-samples.ts'
import { wilsonUpperBound } from './wilson-bound.ts'

export interface RatioLimit {
  readonly limit: number
  /** Of the one-sided bound, such as 0.95. */
  readonly confidence: number
}

/**
 * FAIL when the errors seen reach the limit (the budget is spent: strictly below is asked); PASS only when even the
 * upper bound lies below it; between the two the run was too short to tell.
 */
export function judgeRatioBound(
  spec: RatioLimit,
  errors: StoredAnswer | undefined,
  total: StoredAnswer | undefined,
  expected: ExpectedSeries,
): JudgeOutcome {
  const series = joinReadings(errors, total, expected).map((pair) =>
    'reasons' in pair ? unsound(pair.series, pair.reasons) : ratioOf(pair, spec),
  )
  return { series, limit: spec.limit }
}

type CountPair = { readonly series: string; readonly left: number; readonly right: number }

function ratioOf({ series, left: errors, right: total }: CountPair, spec: RatioLimit): SeriesResult {
  if (!isCount(errors) || !isCount(total) || errors > total) return unsound(series, ['COUNTER_INCONSISTENT'])
  if (total === 0) return unsound(series, ['UNDERPOWERED'])
  const value = errors / total
  const bound = wilsonUpperBound(errors, total, spec.confidence)
  const resolution = wilsonUpperBound(0, total, spec.confidence)
  const [verdict, reasons] = decide(value, bound, spec.limit)
  return { series, verdict, reasons, value, bound, resolution, samples: total }
}

function decide(
  value: number,
  bound: number,
  limit: number,
): [SeriesResult['verdict'], readonly ReasonCode[]] {
  if (value >= limit) return ['FAIL', []]
  return bound < limit ? ['PASS', []] : ['INCONCLUSIVE', ['UNDERPOWERED']]
}

/** Counters are whole numbers; a part of one comes from an expression that extrapolates. */
function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0
}
