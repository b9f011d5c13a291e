import type { SeriesResult, StoredAnswer } from '../engine/types.ts'
import { type JudgeOutcome, unsound } from './judge-outcome.ts'
import { type ExpectedSeries, readSamples } from './read-samples.ts'

/** n of n: fewer FAIL; more than there can be, or a part of one, says that the counting is wrong. */
export function judgeCount(
  spec: { readonly of: number },
  answer: StoredAnswer | undefined,
  expected: ExpectedSeries,
): JudgeOutcome {
  const series = readSamples(answer, expected).map((reading) =>
    'reasons' in reading ? unsound(reading.series, reading.reasons) : countOf(reading, spec.of),
  )
  return { series, limit: spec.of }
}

function countOf({ series, value }: { series: string; value: number }, of: number): SeriesResult {
  const numbers = { series, value, bound: null, resolution: null, samples: 1 }
  if (!Number.isInteger(value) || value < 0 || value > of) {
    return { ...numbers, verdict: 'INCONCLUSIVE', reasons: ['COUNTER_INCONSISTENT'] }
  }
  // Nothing of nothing demonstrates nothing.
  return { ...numbers, verdict: value === of && of > 0 ? 'PASS' : 'FAIL', reasons: [] }
}
