import type { RangeSeries, ReasonCode, SeriesResult, StoredAnswer } from '../engine/types.ts'
import type { Sample } from '../statistics/floors.ts'
import { boundTrend, type TrendAnswer } from '../statistics/trend-bound.ts'
import {
  LATE_LEVEL,
  rememberingDesigner,
  type TrendDesigner,
  type TrendFit,
} from '../statistics/trend-fit.ts'
import { LATENCY_TREND, RESOURCE_TREND } from '../statistics/trend-profile.ts'
import { type JudgeOutcome, unsound } from './judge-outcome.ts'
import { type ExpectedSeries, seriesName } from './read-samples.ts'

export interface TrendLimit {
  readonly kind: 'growth-bound' | 'drift-bound'
  /** growth-bound: units an hour. drift-bound: relative drift over the window, 0.1 for + 10 %. */
  readonly limit: number
  readonly windowSeconds: number
  /** A resource that may well never change, such as open descriptors; others are then a dead sensor. */
  readonly mayBeConstant: boolean
}

/** Holds the confidence bounds of a trend against its limit; how the bounds come about is in ../statistics. */
export function judgeTrend(
  spec: TrendLimit,
  answer: StoredAnswer | undefined,
  expected: ExpectedSeries,
  /** Shares the costly part between series of equal times; those of one answer always do. */
  design: TrendDesigner = rememberingDesigner(),
): JudgeOutcome {
  if (answer === undefined || answer.kind !== 'range' || answer.fault !== null) {
    return { series: [unsound('', ['EVALUATION_ERROR'])], limit: spec.limit }
  }
  const start = answer.end - spec.windowSeconds
  const groups = Map.groupBy(answer.data, ({ labels }) =>
    expected === null ? '' : seriesName(labels, expected.label),
  )
  const names = expected !== null && 'values' in expected ? expected.values : [...groups.keys()]
  const judged = names.map((name) => judgeNamed(name, groups.get(name) ?? [], { spec, start, design }))
  const surprises = new Map(
    judged.flatMap(({ result, surprise }) => (surprise === null ? [] : [[result.series, surprise]])),
  )
  const series = [...judged.map(({ result }) => result), ...unexpected(groups, expected)]
  return { series, limit: spec.limit, surprises }
}

function unexpected(groups: ReadonlyMap<string, unknown>, expected: ExpectedSeries): readonly SeriesResult[] {
  if (expected !== null && 'values' in expected) {
    const extra = [...groups.keys()].filter((name) => !expected.values.includes(name))
    return extra.map((name) => unsound(name, ['MULTI_SERIES']))
  }
  const needed = expected === null ? 1 : Math.max(1, expected.atLeast)
  return groups.size >= needed ? [] : [unsound('', ['NO_SERIES'])]
}

interface JudgedTrend {
  readonly result: SeriesResult
  /** How improbable the data are if there were no growth above the limit, over the level; null unless it failed. */
  readonly surprise: number | null
}

const unsoundTrend = (...parts: Parameters<typeof unsound>): JudgedTrend => ({
  result: unsound(...parts),
  surprise: null,
})

interface TrendContext {
  readonly spec: TrendLimit
  /** Seconds since the epoch at which the window begins. */
  readonly start: number
  readonly design: TrendDesigner
}

function judgeNamed(
  series: string,
  found: readonly RangeSeries[],
  { spec, start, design }: TrendContext,
): JudgedTrend {
  const [first, ...others] = found
  if (first === undefined || first.values.length === 0) return unsoundTrend(series, ['NO_SERIES'])
  if (others.length > 0) return unsoundTrend(series, ['MULTI_SERIES'])
  const isDrift = spec.kind === 'drift-bound'
  const samples = first.values.map(([time, text]): Sample => {
    const value = Number(text)
    return { hours: (time - start) / 3600, value: isDrift ? Math.log(value) : value }
  })
  // p95 of 0 has no logarithm, and a saturated histogram gives +Inf.
  if (samples.some(({ value }) => !Number.isFinite(value)))
    return unsoundTrend(series, ['NAN'], samples.length)
  return resultOf(series, samples, spec, design)
}

function resultOf(
  series: string,
  samples: readonly Sample[],
  spec: TrendLimit,
  design: TrendDesigner,
): JudgedTrend {
  const isDrift = spec.kind === 'drift-bound'
  const soakHours = spec.windowSeconds / 3600
  const profile = isDrift ? LATENCY_TREND : RESOURCE_TREND
  const delta = isDrift ? Math.log1p(spec.limit) / soakHours : spec.limit
  const answer = boundTrend(samples, {
    profile,
    delta,
    soakHours,
    mayBeConstant: spec.mayBeConstant,
    design,
  })
  const numbers = numbersOf(answer.fit, isDrift ? soakHours : null)
  const reasons = answer.verdict === 'INCONCLUSIVE' ? [REASONS[answer.reason]] : []
  const result = { series, verdict: answer.verdict, reasons, ...numbers, samples: samples.length }
  return { result, surprise: surpriseOf(answer, delta, profile.level) }
}

function surpriseOf({ verdict, reason, fit }: TrendAnswer, delta: number, level: number): number | null {
  if (verdict !== 'FAIL' || fit === null) return null
  return reason === 'LATE_GROWTH' ? fit.lateAtMost(delta) / LATE_LEVEL : fit.slopeAtMost(delta) / level
}

/** Only reasons of INCONCLUSIVE are looked up; the two of FAIL and the one of PASS stand here for completeness. */
const REASONS: Readonly<Record<TrendAnswer['reason'], ReasonCode>> = {
  GROWTH: 'NONLINEAR',
  LATE_GROWTH: 'NONLINEAR',
  UNSETTLED: 'UNSETTLED_WARMUP',
  STEP: 'NONLINEAR',
  RESOLUTION: 'UNDERPOWERED',
  UNDERPOWERED: 'UNDERPOWERED',
  LATE: 'NONLINEAR',
  BOUNDED: 'NONLINEAR',
  DATA: 'COVERAGE',
  FROZEN: 'FROZEN',
}

type TrendNumbers = Pick<SeriesResult, 'value' | 'bound' | 'resolution'>

/** Slopes as the criterion speaks of them: an hour, or relative over the window where `overHours` says so. */
function numbersOf(fit: TrendFit | null, overHours: number | null): TrendNumbers {
  if (fit === null) return { value: null, bound: null, resolution: null }
  const shown = (slope: number) => (overHours === null ? slope : Math.expm1(slope * overHours))
  return {
    value: shown(fit.slope),
    bound: shown(fit.upper),
    resolution: shown((fit.upper - fit.lower) / 2),
  }
}
