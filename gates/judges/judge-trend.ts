import type { RangeSeries, ReasonCode, SeriesResult, StoredAnswer } from '../engine/types.ts'
import type { Sample } from '../statistics/floors.ts'
import { boundTrend, type TrendAnswer } from '../statistics/trend-bound.ts'
import type { TrendDesigner, TrendFit } from '../statistics/trend-fit.ts'
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
  design?: TrendDesigner,
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
  return { series: [...judged, ...unexpected(groups, expected)], limit: spec.limit }
}

function unexpected(groups: ReadonlyMap<string, unknown>, expected: ExpectedSeries): readonly SeriesResult[] {
  if (expected !== null && 'values' in expected) {
    const extra = [...groups.keys()].filter((name) => !expected.values.includes(name))
    return extra.map((name) => unsound(name, ['MULTI_SERIES']))
  }
  const needed = expected === null ? 1 : Math.max(1, expected.atLeast)
  return groups.size >= needed ? [] : [unsound('', ['NO_SERIES'])]
}

interface TrendContext {
  readonly spec: TrendLimit
  /** Seconds since the epoch at which the window begins. */
  readonly start: number
  readonly design: TrendDesigner | undefined
}

function judgeNamed(
  series: string,
  found: readonly RangeSeries[],
  { spec, start, design }: TrendContext,
): SeriesResult {
  const [first, ...others] = found
  if (first === undefined || first.values.length === 0) return unsound(series, ['NO_SERIES'])
  if (others.length > 0) return unsound(series, ['MULTI_SERIES'])
  const isDrift = spec.kind === 'drift-bound'
  const samples = first.values.map(([time, text]): Sample => {
    const value = Number(text)
    return { hours: (time - start) / 3600, value: isDrift ? Math.log(value) : value }
  })
  // p95 of 0 has no logarithm, and a saturated histogram gives +Inf.
  if (samples.some(({ value }) => !Number.isFinite(value))) return unsound(series, ['NAN'], samples.length)
  return resultOf(series, samples, spec, design)
}

function resultOf(
  series: string,
  samples: readonly Sample[],
  spec: TrendLimit,
  design: TrendDesigner | undefined,
): SeriesResult {
  const isDrift = spec.kind === 'drift-bound'
  const soakHours = spec.windowSeconds / 3600
  const answer = boundTrend(samples, {
    profile: isDrift ? LATENCY_TREND : RESOURCE_TREND,
    delta: isDrift ? Math.log1p(spec.limit) / soakHours : spec.limit,
    soakHours,
    mayBeConstant: spec.mayBeConstant,
    ...(design === undefined ? {} : { design }),
  })
  const numbers = numbersOf(answer.fit, isDrift ? soakHours : null)
  const reasons = answer.verdict === 'INCONCLUSIVE' ? [REASONS[answer.reason]] : []
  return { series, verdict: answer.verdict, reasons, ...numbers, samples: samples.length }
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
