import type { RangeAnswer, RangeSeries, SeriesResult, StoredAnswer } from '../engine/types.ts'
import { judgeCriterion, type ResolvedJudge } from '../judges/judge-criterion.ts'
import { judgeTrend, type TrendLimit } from '../judges/judge-trend.ts'
import { type ExpectedSeries, readSamples, seriesName } from '../judges/read-samples.ts'
import type { TrendDesigner } from '../statistics/trend-fit.ts'

/** What it takes to turn one passed series. */
export interface SmallestDefect {
  readonly series: string
  readonly defect: 'leak' | 'drift' | 'error burst'
  /** A leak an hour in the criterion's unit, a relative drift over the window, or a number of errors. */
  readonly smallest: number
  readonly becomes: SeriesResult['verdict']
}

export interface SpikeInput {
  readonly judge: ResolvedJudge
  /** By the criterion's field, as stored. */
  readonly answers: ReadonlyMap<string, StoredAnswer>
  readonly expected: ExpectedSeries
  readonly design: TrendDesigner
}

/**
 * The smallest defect which, added to this run's own recorded series, turns their PASS. It says what the run could have
 * seen in its own noise, on its own machine. Empty where nothing passed or the judge counts exactly.
 */
export function smallestDefects(input: SpikeInput): readonly SmallestDefect[] {
  const { judge, answers, expected } = input
  if (judge.kind === 'growth-bound' || judge.kind === 'drift-bound') {
    const answer = answers.get('series')
    return answer?.kind === 'range'
      ? answer.data.flatMap((series) => turnTrend(series, judge, answer, input))
      : []
  }
  return judge.kind === 'ratio-bound' ? turnRatio(judge, answers, expected) : []
}

function turnTrend(
  series: RangeSeries,
  judge: TrendLimit,
  answer: RangeAnswer,
  { expected, design }: SpikeInput,
): readonly SmallestDefect[] {
  const verdictWith = (amount: number) => {
    const spiked = { ...answer, data: [spike(series, judge, { amount, end: answer.end })] }
    return judgeTrend(judge, spiked, null, design).series[0]?.verdict ?? 'INCONCLUSIVE'
  }
  if (verdictWith(0) !== 'PASS') return []
  const smallest = bisect((amount) => verdictWith(amount) !== 'PASS', {
    most: 4 * judge.limit,
    bisections: TREND_BISECTIONS,
  })
  if (smallest === null) return []
  const name = expected === null ? '' : seriesName(series.labels, expected.label)
  const defect = judge.kind === 'growth-bound' ? 'leak' : 'drift'
  return [{ series: name, defect, smallest, becomes: verdictWith(smallest) }]
}

/** A line for a resource, a factor for a latency, from the beginning of the window. */
function spike(
  { labels, values }: RangeSeries,
  judge: TrendLimit,
  { amount, end }: { readonly amount: number; readonly end: number },
): RangeSeries {
  const start = end - judge.windowSeconds
  const added = (time: number, value: number) =>
    judge.kind === 'growth-bound'
      ? value + (amount * (time - start)) / 3600
      : value * (1 + amount) ** ((time - start) / judge.windowSeconds)
  return { labels, values: values.map(([time, text]) => [time, String(added(time, Number(text)))] as const) }
}

function turnRatio(
  judge: Extract<ResolvedJudge, { kind: 'ratio-bound' }>,
  answers: ReadonlyMap<string, StoredAnswer>,
  expected: ExpectedSeries,
): readonly SmallestDefect[] {
  return readSamples(answers.get('total'), expected).flatMap((total): SmallestDefect[] => {
    if (!('value' in total)) return []
    const verdictWith = (errors: number) => {
      const more = new Map(answers).set(
        'errors',
        withMore(answers.get('errors'), errors, { expected, series: total.series }),
      )
      return judgeCriterion(judge, more, expected).series.find((one) => one.series === total.series)?.verdict
    }
    if (verdictWith(0) !== 'PASS') return []
    const smallest = bisect((errors) => verdictWith(Math.ceil(errors)) !== 'PASS', {
      most: total.value,
      bisections: COUNT_BISECTIONS,
    })
    if (smallest === null) return []
    const errors = Math.ceil(smallest)
    return [
      {
        series: total.series,
        defect: 'error burst',
        smallest: errors,
        becomes: verdictWith(errors) ?? 'INCONCLUSIVE',
      },
    ]
  })
}

function withMore(
  answer: StoredAnswer | undefined,
  errors: number,
  { expected, series }: { readonly expected: ExpectedSeries; readonly series: string },
): StoredAnswer {
  if (answer?.kind !== 'instant') throw new Error('errors are asked at one moment')
  const data = answer.data.map((sample) => {
    const isMeant = expected === null || seriesName(sample.labels, expected.label) === series
    return isMeant ? { ...sample, value: String(Number(sample.value) + errors) } : sample
  })
  return { ...answer, data }
}

/** A trend to 1 in 60,000 of the limit, a number of errors to one. */
const TREND_BISECTIONS = 16
const COUNT_BISECTIONS = 40

/** Smallest amount up to `most` that turns the verdict; null where none does. */
function bisect(
  turns: (amount: number) => boolean,
  { most, bisections }: { readonly most: number; readonly bisections: number },
): number | null {
  if (!turns(most)) return null
  let low = 0
  let high = most
  for (let step = 0; step < bisections; step += 1) {
    const middle = (low + high) / 2
    if (turns(middle)) high = middle
    else low = middle
  }
  return high
}
