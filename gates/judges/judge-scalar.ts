import type { Comparison } from '../engine/criterion.ts'
import type { StoredAnswer } from '../engine/types.ts'
import { type JudgeOutcome, unsound } from './judge-outcome.ts'
import { type ExpectedSeries, readSamples } from './read-samples.ts'

const HOLDS: Readonly<Record<Comparison, (value: number, limit: number) => boolean>> = {
  at_most: (value, limit) => value <= limit,
  below: (value, limit) => value < limit,
  at_least: (value, limit) => value >= limit,
  above: (value, limit) => value > limit,
}

/** Holds each value against a fixed limit. Exact: no statistics. */
export function judgeScalar(
  spec: { readonly comparison: Comparison; readonly limit: number },
  answer: StoredAnswer | undefined,
  expected: ExpectedSeries,
): JudgeOutcome {
  const series = readSamples(answer, expected).map((reading) => {
    if ('reasons' in reading) return unsound(reading.series, reading.reasons)
    const { value } = reading
    const verdict = HOLDS[spec.comparison](value, spec.limit) ? ('PASS' as const) : ('FAIL' as const)
    return { series: reading.series, verdict, reasons: [], value, bound: null, resolution: null, samples: 1 }
  })
  return { series, limit: spec.limit }
}
