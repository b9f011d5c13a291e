import type { CriterionNumbers } from '#ops/ops-metrics.ts'
import type { CriterionResult, RunVerdict } from '../engine/types.ts'
import { type GateContext, pause } from './gate-context.ts'

/** Puts the verdict back into Prometheus, so that dashboards and alerts see it, and waits until it was scraped. */
export async function exportJudgement(context: GateContext, verdict: RunVerdict): Promise<void> {
  const { ops } = context.watch
  for (const gate of verdict.gates) {
    ops.setVerdict(gate.gate, gate.verdict)
    for (const criterion of gate.criteria) ops.setCriterion(gate.gate, criterion.id, numbersOf(criterion))
  }
  await pause(context, 2 * context.profile.scrapeSeconds * 1000)
}

function numbersOf(criterion: CriterionResult): CriterionNumbers {
  const { value, bound, limit, resolution } = criterion
  return {
    ...(value === null ? {} : { value }),
    ...(bound === null ? {} : { bound }),
    ...(limit === null ? {} : { limit }),
    ...(resolution === null ? {} : { resolution }),
  }
}
