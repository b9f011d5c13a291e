import type { ModelEntry, Provider } from '../provider.ts'
import type { Budget } from './budget.ts'
import type { Guard } from './guard.ts'
import type { Quarantine } from './quarantine.ts'
import type { ReasonCode } from './reason-codes.ts'

/** One model at one provider, with what protects it. */
export interface Candidate {
  /** "provider/model" */
  readonly id: string
  readonly provider: Provider
  readonly model: ModelEntry
  readonly modelName: string
  readonly guard: Guard
  readonly quarantine: Quarantine
  /** Of the provider: its models share it. */
  readonly budget: Budget
}

export interface Now {
  readonly nowMs: number
  readonly monotonicMs: number
}

/** Why a candidate is passed over without being asked, or null. */
export function unavailability(candidate: Candidate, now: Now): ReasonCode | null {
  if (candidate.quarantine.untilMs(now.monotonicMs) > 0) return 'QUARANTINED'
  if (candidate.budget.isExceeded(now.nowMs)) return 'BUDGET_EXCEEDED'
  if (candidate.guard.state() === 'half_open') return 'PROVIDER_UNHEALTHY'
  return null
}
