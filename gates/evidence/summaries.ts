import type { CriterionResult, GateResult, RunVerdict } from '../engine/types.ts'
import { serialiseCanonically } from '../engine/serialise-verdict.ts'
import { SUMMARY_FILES } from './bundle-layout.ts'

/** The seed's artefact of each gate that ran, rendered from the verdict alone, as `[path, content]`. */
export function summariesOf(verdict: RunVerdict): ReadonlyArray<readonly [string, string]> {
  return verdict.gates.flatMap((gate) => {
    const path = SUMMARY_FILES[gate.gate]
    return path === undefined ? [] : [[path, serialiseCanonically(summaryOf(gate))] as const]
  })
}

function summaryOf(gate: GateResult): Record<string, unknown> {
  return {
    gate: gate.gate,
    title: gate.title,
    verdict: gate.verdict,
    start: gate.start,
    end: gate.end,
    planned_seconds: gate.planned_seconds,
    ...(gate.valid_part === undefined ? {} : { valid_part: gate.valid_part }),
    criteria: gate.criteria.map(shorten),
    not_judged: gate.not_judged,
  }
}

function shorten(criterion: CriterionResult): Record<string, unknown> {
  const { id, title, verdict, reasons, value, bound, limit, unit, resolution, samples, sentence } = criterion
  return { id, title, verdict, reasons, value, bound, limit, unit, resolution, samples, sentence }
}
