import type { ReasonCode, StoredAnswer } from '../engine/types.ts'
import { type ExpectedSeries, type Reading, readSamples } from './read-samples.ts'

export type ReadingPair =
  | { readonly series: string; readonly left: number; readonly right: number }
  | { readonly series: string; readonly reasons: readonly ReasonCode[] }

/** Pairs the readings of two answers by series; a series that only one side has is missing on the other. */
export function joinReadings(
  left: StoredAnswer | undefined,
  right: StoredAnswer | undefined,
  expected: ExpectedSeries,
): readonly ReadingPair[] {
  const lefts = byName(readSamples(left, expected))
  const rights = byName(readSamples(right, expected))
  const names = [...new Set([...lefts.keys(), ...rights.keys()])]
  return names.map((series) => pairOf(series, lefts.get(series), rights.get(series)))
}

function byName(readings: readonly Reading[]): ReadonlyMap<string, Reading> {
  return new Map(readings.map((reading) => [reading.series, reading]))
}

function pairOf(series: string, left: Reading | undefined, right: Reading | undefined): ReadingPair {
  if (left !== undefined && 'value' in left && right !== undefined && 'value' in right) {
    return { series, left: left.value, right: right.value }
  }
  const reasons = [left, right].flatMap((side): readonly ReasonCode[] => {
    if (side === undefined) return ['NO_SERIES']
    return 'reasons' in side ? side.reasons : []
  })
  return { series, reasons: [...new Set(reasons)] }
}
