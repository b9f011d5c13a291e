import type { ServiceContext } from '#chassis/define-service.ts'
import type { Approvals } from './approvals/approvals.ts'
import type { ClockGuard } from './clock/clock-guard.ts'
import type { EvaOsConfig } from './config.ts'
import type { KeyRing } from './keys/key-ring.ts'
import type { PolicyStore } from './policy/policy-store.ts'
import type { State } from './store/open-state.ts'

const EVERY_MS = 1_000
const ANCHOR_EVERY_ROUNDS = 30

interface MaintainedParts {
  readonly state: State
  readonly guard: ClockGuard
  readonly policies: PolicyStore
  readonly ring: KeyRing
  readonly approvals: Approvals
}

/** Once a second: notice a set clock, changed policies, ended approvals, due keys. Failure makes the service DEGRADED. */
export function startMaintenance(ctx: ServiceContext<EvaOsConfig>, parts: MaintainedParts): void {
  let round = 0
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= maintain(ctx, parts, round++).finally(() => {
      running = undefined
    })
  }, EVERY_MS)
  ctx.onStop('maintenance', async () => {
    clearInterval(timer)
    await running
  })
}

async function maintain(
  ctx: ServiceContext<EvaOsConfig>,
  parts: MaintainedParts,
  round: number,
): Promise<void> {
  try {
    parts.guard.nowMs()
    parts.policies.current()
    parts.approvals.expire()
    await parts.ring.tick()
    if (round % ANCHOR_EVERY_ROUNDS === 0) parts.state.anchor()
    ctx.health.degrade('maintenance', null)
  } catch (error) {
    ctx.health.degrade('maintenance', 'the state cannot be maintained')
    ctx.log.error({ operation: 'maintenance', error }, 'maintenance failed')
  }
}
