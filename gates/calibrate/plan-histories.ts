import type { FamilyPlan } from './calibrate-families.ts'
import type { Family } from './histories/families.ts'
import { GATE_RESOURCES, GATE_ROUTES, WHOLE_GATE_FAMILIES } from './whole-gate.ts'

export interface HistoryCounts {
  readonly histories: number
  /** Of each family at exactly delta. */
  readonly margin: number
  /** Whole gates that are made of `WHOLE_GATE_FAMILIES`; no history is used twice. */
  readonly gates: number
}

/** How many histories of each family are judged. */
export function planHistories(families: readonly Family[], counts: HistoryCounts): readonly FamilyPlan[] {
  return families.map((family) => ({ family, histories: historiesOf(family, counts) }))
}

function historiesOf({ id, kind, series }: Family, { histories, margin, gates }: HistoryCounts): number {
  const own = kind === 'margin' ? margin : histories
  if (!WHOLE_GATE_FAMILIES.includes(id)) return own
  return Math.max(own, gates * (series === 'memory' ? GATE_RESOURCES : GATE_ROUTES))
}
