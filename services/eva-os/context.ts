import type { ServiceContext } from '#chassis/define-service.ts'
import type { Approvals } from './approvals/approvals.ts'
import type { ClockGuard } from './clock/clock-guard.ts'
import type { EvaOsConfig } from './config.ts'
import type { KeyRing } from './keys/key-ring.ts'
import type { Operators } from './operators/operators.ts'
import type { PolicyStore } from './policy/policy-store.ts'
import type { State } from './store/open-state.ts'

export type Context = ServiceContext<EvaOsConfig>

/** What eva-os is made of; service.ts puts it together. */
export interface Parts {
  readonly state: State
  readonly guard: ClockGuard
  readonly policies: PolicyStore
  readonly operators: Operators
  readonly ring: KeyRing
  readonly approvals: Approvals
}
