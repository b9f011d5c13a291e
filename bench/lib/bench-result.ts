import { chartOf } from './bench-chart.ts'
import { type Measure, printMeasures } from './bench-output.ts'

/** The JSON text of a bench as a table for people, with a chart where it is a list of measures. */
export function renderResult(name: string, json: string): string {
  const result: unknown = JSON.parse(json)
  if (isMeasures(result)) return printMeasures(name, result.measures, false) + chartOf(result.measures)
  return `${name}\n${leavesOf(result)
    .map(([path, value]) => `  ${path.padEnd(52)} ${value}\n`)
    .join('')}`
}

function isMeasures(result: unknown): result is { measures: readonly Measure[] } {
  return Array.isArray((result as { measures?: unknown } | null)?.measures)
}

/** Every figure of a result of another shape, under its path. */
function leavesOf(value: unknown, path: readonly string[] = []): [string, string][] {
  if (typeof value !== 'object' || value === null) {
    return [
      [path.join(' '), typeof value === 'number' ? String(Number(value.toPrecision(4))) : String(value)],
    ]
  }
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key.replaceAll('_', ' ')]))
}
