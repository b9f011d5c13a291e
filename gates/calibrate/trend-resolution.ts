import type { Family } from './histories/families.ts'
import { FAMILIES } from './histories/families.ts'
import { historyOf, MIB } from './judge-history.ts'
import { boundTrend } from '../statistics/trend-bound.ts'
import { rememberingDesigner } from '../statistics/trend-fit.ts'
import { LATENCY_TREND, RESOURCE_TREND } from '../statistics/trend-profile.ts'

/** What runs of a length can see, recomputed on simulated histories of that length. */
export interface LengthResolution {
  readonly hours: number
  readonly family: string
  readonly histories: number
  /** Half-width of the 95 % interval in the middle of the histories: bytes an hour, or relative drift over the run. */
  readonly resolution: number
  readonly unit: 'bytes/h' | 'ratio'
}

const SEED = 1

/** Median half-width of the interval of each family at each length. */
export function trendResolutions(
  lengths: readonly number[],
  families: readonly string[],
  histories: number,
): readonly LengthResolution[] {
  const design = rememberingDesigner()
  return lengths.flatMap((hours) =>
    FAMILIES.filter(({ id }) => families.includes(id)).map((family) => {
      const widths = Array.from({ length: histories }, (_, index) =>
        halfWidth(family, { index, hours, design }),
      )
      const sorted = widths.filter(Number.isFinite).toSorted((a, b) => a - b)
      const middle = sorted[Math.floor(sorted.length / 2)] ?? Number.POSITIVE_INFINITY
      const isLatency = family.series === 'latency'
      return {
        hours,
        family: family.id,
        histories,
        resolution: isLatency ? Math.expm1(middle * hours) : middle,
        unit: isLatency ? 'ratio' : 'bytes/h',
      } as const
    }),
  )
}

function halfWidth(
  family: Family,
  {
    index,
    hours,
    design,
  }: {
    readonly index: number
    readonly hours: number
    readonly design: ReturnType<typeof rememberingDesigner>
  },
): number {
  const isLatency = family.series === 'latency'
  const samples = historyOf(family, SEED, index, hours).map((sample) => ({
    hours: sample.hours,
    value: isLatency ? Math.log(sample.value) : sample.value,
  }))
  const { fit } = boundTrend(samples, {
    profile: isLatency ? LATENCY_TREND : RESOURCE_TREND,
    delta: isLatency ? Math.log1p(0.1) / hours : MIB,
    soakHours: hours,
    design,
  })
  return fit === null ? Number.NaN : (fit.upper - fit.lower) / 2
}
