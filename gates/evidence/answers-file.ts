import type { CriterionAnswers } from '../engine/types.ts'
import { LAYOUT } from './bundle-layout.ts'

export function answersPath(gate: string): string {
  return `${LAYOUT.gates}/${gate}/answers.json`
}

export function answersOfGate(
  answers: readonly CriterionAnswers[],
  gate: string,
): readonly CriterionAnswers[] {
  return answers.filter((one) => one.gate === gate)
}
