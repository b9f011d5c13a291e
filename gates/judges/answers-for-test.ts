import type { AnswerFault, InstantAnswer, Labels } from '../engine/types.ts'

/** An instant answer as Prometheus would give it; for tests. */
export function answerOf(
  samples: readonly (readonly [Labels, string])[],
  fault: AnswerFault | null = null,
): InstantAnswer {
  const data = samples.map(([labels, value]) => ({ labels, time: 1000, value }))
  return { kind: 'instant', query: 'planted', time: 1000, fault, data }
}

export function single(value: string): InstantAnswer {
  return answerOf([[{}, value]])
}
