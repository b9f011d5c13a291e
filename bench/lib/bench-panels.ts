import type { Measure } from './bench-output.ts'
import type { Interval } from './paired-rounds.ts'

/** What a result shows as bars: figures of one unit, or of one object. */
export interface BarPanel {
  readonly title: string
  readonly rows: readonly BarRow[]
}

interface BarRow {
  readonly name: string
  readonly interval: Interval
  readonly bound?: number | undefined
}

/** What a result shows as lines: how something changes with a size. */
export interface Curve {
  readonly title: string
  readonly size: string
  readonly unit: string
  readonly lines: readonly { readonly name: string; readonly points: readonly CurvePoint[] }[]
}

export interface CurvePoint extends Interval {
  readonly size: number
}

export interface Panels {
  readonly bars: readonly BarPanel[]
  readonly curves: readonly Curve[]
}

/** Of a list of measures one panel a unit; of any other shape one for each object that holds two figures or more. */
export function panelsOf(result: unknown): Panels {
  if (!isRecord(result)) return { bars: [], curves: [] }
  const { curves, measures, ...rest } = result
  return {
    bars: Array.isArray(measures) ? panelsOfMeasures(measures as Measure[]) : panelsOfFigures(rest, []),
    curves: Array.isArray(curves) ? (curves as Curve[]) : [],
  }
}

function panelsOfMeasures(measures: readonly Measure[]): readonly BarPanel[] {
  return [...Map.groupBy(measures, ({ unit }) => unit)].map(([unit, group]) => ({
    title: unit,
    rows: group.map(({ name, interval, bound }) => ({ name, interval, bound: bound?.value })),
  }))
}

const ROWS_MIN = 2

function panelsOfFigures(
  object: Readonly<Record<string, unknown>>,
  path: readonly string[],
): readonly BarPanel[] {
  const rows = Object.entries(object).flatMap(([name, value]) => {
    const interval = intervalOf(value)
    return interval === null ? [] : [{ name: readable(name), interval }]
  })
  const below = Object.entries(object).flatMap(([name, value]) =>
    isRecord(value) && intervalOf(value) === null ? panelsOfFigures(value, [...path, readable(name)]) : [],
  )
  // At the top stand rounds, limits and counts: no figures to compare.
  const isWorthIt = path.length > 0 && rows.length >= ROWS_MIN
  return isWorthIt ? [{ title: path.join(', '), rows }, ...below] : below
}

function intervalOf(value: unknown): Interval | null {
  if (typeof value === 'number') return { value, low: value, high: value }
  if (!isRecord(value)) return null
  const { value: middle, low, high } = value
  return typeof middle === 'number' && typeof low === 'number' && typeof high === 'number'
    ? { value: middle, low, high }
    : null
}

function readable(name: string): string {
  return name.replaceAll('_', ' ')
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
