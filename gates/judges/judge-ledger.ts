import type { SeriesResult, StoredAnswer } from '../engine/types.ts'
import { type JudgeOutcome, unsound } from './judge-outcome.ts'
import { joinReadings } from './join-readings.ts'
import type { ExpectedSeries } from './read-samples.ts'

/** An identity of counters (created = closed + active) that must hold exactly; value is left - right. */
export function judgeLedger(
  left: StoredAnswer | undefined,
  right: StoredAnswer | undefined,
  expected: ExpectedSeries,
): JudgeOutcome {
  const series = joinReadings(left, right, expected).map((pair): SeriesResult => {
    if ('reasons' in pair) return unsound(pair.series, pair.reasons)
    const value = pair.left - pair.right
    const verdict = value === 0 ? 'PASS' : 'FAIL'
    return { series: pair.series, verdict, reasons: [], value, bound: null, resolution: null, samples: 2 }
  })
  return { series, limit: 0 }
}
