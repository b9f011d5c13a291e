import type { RangeAnswer, Verdict } from '../engine/types.ts'
import { judgeTrend, type TrendLimit } from '../judges/judge-trend.ts'
import type { Sample } from '../statistics/floors.ts'
import type { TrendDesigner } from '../statistics/trend-fit.ts'
import type { Family } from './histories/families.ts'
import { latencyHistory } from './histories/latency-history.ts'
import { memoryHistory } from './histories/memory-history.ts'
import { type Random, randomOf } from './histories/random.ts'

export const MIB = 1024 * 1024
export const HISTORY_HOURS = 48

/** The samples of one history; the same seed, family and index give the same. Memory in bytes. */
export function historyOf(
  family: Family,
  seed: number,
  index: number,
  hours = HISTORY_HOURS,
): readonly Sample[] {
  const random = randomFor(family, seed, index, hours)
  if (family.series === 'latency') {
    return latencyHistory(random, { noise: family.noise, drift: family.drift, hours })
  }
  return memoryHistory(random, { noise: family.noise, growth: family.growth, hours }).map((sample) => ({
    hours: sample.hours,
    value: Number.isNaN(sample.value) ? sample.value : Math.round(sample.value * MIB),
  }))
}

/** What a history is drawn from. */
export function randomFor(family: Family, seed: number, index: number, hours = HISTORY_HOURS): Random {
  return randomOf(`${seed} ${family.id} ${hours} ${index}`)
}

export interface JudgedHistory {
  readonly verdict: Verdict
  /** As the judge of the gate hands it on, for the correction over all series; null unless it failed. */
  readonly surprise: number | null
}

/** Judged by the production judge, without Prometheus between: scrapes that failed are not there. */
export function judgeHistory(
  family: Family,
  samples: readonly Sample[],
  design: TrendDesigner,
): JudgedHistory {
  const answer: RangeAnswer = {
    kind: 'range',
    query: family.id,
    fault: null,
    start: 0,
    end: HISTORY_HOURS * 3600,
    step: 60,
    data: [
      {
        labels: {},
        values: samples.filter(isScraped).map(({ hours, value }) => [hours * 3600, String(value)]),
      },
    ],
  }
  const { series, surprises } = judgeTrend(limitOf(family), answer, null, design)
  const [result] = series
  if (result === undefined) throw new Error('a judge that says nothing')
  return { verdict: result.verdict, surprise: surprises?.get(result.series) ?? null }
}

function isScraped({ value }: Sample): boolean {
  return !Number.isNaN(value)
}

/** As in soak.yaml. */
function limitOf(family: Family): TrendLimit {
  const windowSeconds = HISTORY_HOURS * 3600
  return family.series === 'latency'
    ? { kind: 'drift-bound', limit: 0.1, windowSeconds, mayBeConstant: false }
    : { kind: 'growth-bound', limit: MIB, windowSeconds, mayBeConstant: false }
}
