import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import reference from './reference-vectors.json' with { type: 'json' }
import { rawSeries, seriesOf } from './reference-series.ts'
import { boundTrend, type TrendAnswer } from './trend-bound.ts'
import { LATENCY_TREND, RESOURCE_TREND } from './trend-profile.ts'

const TOLERANCE = { memory: 1e-6, latency: 1e-9 } as const

interface Expected {
  readonly verdict: string
  readonly reason: string
  readonly n?: number
  readonly bins?: number
  readonly dropped: number
  readonly slope?: number
  readonly lower?: number
  readonly upper?: number
  readonly late?: number
  readonly lateUpper?: number
  readonly lateLower?: number
  readonly kinkUpper?: number
  readonly quantum?: number
  readonly step?: number
  readonly stepT?: number
  readonly stepAt?: number | null
  readonly stepSlopeLower?: number | null
}

for (const { name, spec, expected, samples, sha256_int_csv, floors } of reference.vectors) {
  test(`reference vector ${name}: the series is the same to the bit, the bounds to the stated digits`, () => {
    const raw = rawSeries(spec).map((sample) => sample.raw)
    assert.equal(raw.length, samples)
    assert.equal(createHash('sha256').update(raw.join(',')).digest('hex'), sha256_int_csv)
    const kind = spec.profile === 'latency' ? 'latency' : 'memory'
    const profile = kind === 'latency' ? LATENCY_TREND : RESOURCE_TREND
    const answer = boundTrend(seriesOf(spec), { profile, delta: spec.delta, soakHours: spec.soak })
    assert.deepEqual([answer.verdict, answer.reason], [expected.verdict, expected.reason])
    assertNear(answer.floors.values, floors, TOLERANCE[kind])
    assertFit(answer, expected as Expected, TOLERANCE[kind])
  })
}

function assertFit({ fit, floors }: TrendAnswer, expected: Expected, tolerance: number): void {
  assert.equal(floors.dropped, expected.dropped)
  if (expected.slope === undefined) {
    assert.equal(fit, null)
    return
  }
  assert.ok(fit !== null)
  const { slope, lower, upper, late, lateUpper, lateLower, kinkUpper, quantum, step } = fit
  const names = ['slope', 'lower', 'upper', 'late', 'lateUpper', 'lateLower', 'kinkUpper', 'quantum'] as const
  assertNear(
    [slope, lower, upper, late, lateUpper, lateLower, kinkUpper, quantum],
    names.map((name) => expected[name] ?? Number.NaN),
    tolerance,
  )
  if (step === null) return
  assertNear(
    [step.size, step.strength, step.atHours, step.slopeLower],
    [expected.step, expected.stepT, expected.stepAt, expected.stepSlopeLower].map(
      (value) => value ?? Number.NaN,
    ),
    tolerance,
  )
}

function assertNear(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length)
  for (const [index, value] of actual.entries()) {
    const difference = Math.abs(value - (expected[index] ?? Number.NaN))
    assert.ok(difference <= tolerance, `${index}: ${value} is not ${expected[index]}`)
  }
}
