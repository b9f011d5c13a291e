import type { ReasonCode, StoredAnswer } from '../engine/types.ts'
import { readSamples } from './read-samples.ts'

/** Reasons why the data may not be judged; empty when the guard's one sample is 1. */
export function guardReasons(answer: StoredAnswer | undefined, reason: ReasonCode): readonly ReasonCode[] {
  const [reading, ...others] = readSamples(answer, null)
  if (reading === undefined || others.length > 0) return [reason, 'MULTI_SERIES']
  if ('value' in reading) return reading.value === 1 ? [] : [reason]
  // A guard that cannot be answered has not held, and says so beside its own reason.
  return [...new Set([reason, ...reading.reasons])]
}
