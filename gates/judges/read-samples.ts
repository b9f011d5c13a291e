import { labelsText } from '../engine/prometheus-answer.ts'
import type { InstantSample, Labels, ReasonCode, StoredAnswer } from '../engine/types.ts'

/** An expectation with its parameters filled in; null means exactly one series, whatever its labels. */
export type ExpectedSeries =
  | { readonly label: string; readonly values: readonly string[] }
  | { readonly label: string; readonly atLeast: number }
  | null

/** One series of an instant answer: a finite number, or why there is none. */
export type Reading =
  | { readonly series: string; readonly value: number }
  | { readonly series: string; readonly reasons: readonly ReasonCode[] }

/**
 * The values a judge may use. Every way in which an answer can look normal and say nothing (no series, NaN, a series
 * too many, a fault) becomes a reading with reasons; the list is never empty.
 */
export function readSamples(answer: StoredAnswer | undefined, expected: ExpectedSeries): readonly Reading[] {
  if (answer === undefined || answer.kind !== 'instant' || answer.fault !== null) {
    return [{ series: '', reasons: ['EVALUATION_ERROR'] }]
  }
  const { data } = answer
  if (expected === null) return readSingle(data)
  const groups = Map.groupBy(data, ({ labels }) => seriesName(labels, expected.label))
  const names = 'values' in expected ? expected.values : [...groups.keys()]
  const readings = names.map((name) => readNamed(name, groups.get(name) ?? []))
  return [...readings, ...unexpected(groups, expected)]
}

/** Name of a series in results: the value of the expected label, or all its labels where it lacks that label. */
export function seriesName(labels: Labels, label: string): string {
  return labels[label] ?? labelsText(labels)
}

function readSingle(data: readonly InstantSample[]): readonly Reading[] {
  return [readNamed('', data)]
}

function readNamed(series: string, samples: readonly InstantSample[]): Reading {
  const [first, ...others] = samples
  if (first === undefined) return { series, reasons: ['NO_SERIES'] }
  if (others.length > 0) return { series, reasons: ['MULTI_SERIES'] }
  const value = Number(first.value)
  return Number.isFinite(value) && first.value.trim() !== ''
    ? { series, value }
    : { series, reasons: ['NAN'] }
}

function unexpected(
  groups: ReadonlyMap<string, readonly InstantSample[]>,
  expected: Exclude<ExpectedSeries, null>,
): readonly Reading[] {
  if ('atLeast' in expected) {
    const enough = groups.size > 0 && groups.size >= expected.atLeast
    return enough ? [] : [{ series: '', reasons: ['NO_SERIES'] }]
  }
  const extra = [...groups.keys()].filter((name) => !expected.values.includes(name))
  return extra.map((series) => ({ series, reasons: ['MULTI_SERIES'] as const }))
}
