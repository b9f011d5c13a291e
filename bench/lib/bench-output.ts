import type { Curve } from './bench-panels.ts'
import type { Interval } from './paired-rounds.ts'

/** One line of a bench's answer: what was measured, and the bound it must reach where it has one. */
export interface Measure {
  readonly name: string
  readonly interval: Interval
  readonly unit: string
  readonly bound?: { readonly kind: 'at least' | 'at most'; readonly value: number }
  /** Number of questions, commits or queries behind it. */
  readonly n: number
}

/** Whether the whole interval keeps the bound; null where there is none. */
function keepsBound({ interval, bound }: Measure): boolean | null {
  if (bound === undefined) return null
  return bound.kind === 'at least' ? interval.low >= bound.value : interval.high <= bound.value
}

export function printMeasures(
  bench: string,
  measures: readonly Measure[],
  asJson: boolean,
  curves: readonly Curve[] = [],
): string {
  if (asJson) {
    const rows = measures.map((measure) => ({ ...measure, kept: keepsBound(measure) }))
    return `${JSON.stringify({ bench, measures: rows, ...(curves.length > 0 && { curves }) }, null, 2)}\n`
  }
  return `${bench}\n${measures.map(lineOf).join('')}`
}

function lineOf(measure: Measure): string {
  const { name, interval, unit, bound, n } = measure
  const figures = `${round(interval.value)} [${round(interval.low)}, ${round(interval.high)}] ${unit}`
  const kept = keepsBound(measure)
  const verdict =
    bound === undefined ? '' : `  ${bound.kind} ${bound.value}: ${kept === true ? 'kept' : 'NOT KEPT'}`
  return `  ${name.padEnd(52)} ${figures.padEnd(36)} n=${n}${verdict}\n`
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
