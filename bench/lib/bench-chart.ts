import type { Measure } from './bench-output.ts'

const WIDTH = 40
const LABEL_CHARS = 52

/** Bars of the measures of one unit against each other; a unit with one measure has nothing to compare. */
export function chartOf(measures: readonly Measure[]): string {
  const byUnit = Map.groupBy(measures, ({ unit }) => unit)
  return [...byUnit]
    .filter(([, group]) => group.length > 1)
    .map(([unit, group]) => `\n  ${unit}\n${bars(group)}`)
    .join('')
}

function bars(group: readonly Measure[]): string {
  const most = Math.max(...group.map(({ interval }) => Math.abs(interval.value)))
  return group.map(({ name, interval }) => `  ${label(name)} ${bar(interval.value, most)}\n`).join('')
}

function bar(value: number, most: number): string {
  const filled = most > 0 ? Math.round((Math.abs(value) / most) * WIDTH) : 0
  return '█'.repeat(filled).padEnd(1, '▏')
}

function label(name: string): string {
  return name.slice(0, LABEL_CHARS).padEnd(LABEL_CHARS)
}
