import { join } from 'node:path'
import { defineService } from '#chassis/define-service.ts'
import { openApprovals } from './approvals/open-approvals.ts'
import { type ClockGuard, createClockGuard } from './clock/clock-guard.ts'
import { meetSetBack } from './clock/meet-set-back.ts'
import { EvaOsConfig } from './config.ts'
import type { Context } from './context.ts'
import { openKeys } from './keys/open-keys.ts'
import { startMaintenance } from './maintenance.ts'
import { createOperators, type Operators } from './operators/operators.ts'
import { openPolicies } from './policy/open-policies.ts'
import { addRoutes } from './routes/add-routes.ts'
import { openState } from './store/open-state.ts'

export const service = defineService({
  name: 'eva-os',
  config: EvaOsConfig,
  async setup(ctx) {
    const { clock, health, settings } = ctx
    const state = openState(ctx.paths.data, clock.nowMs())
    ctx.onStop('state', state.close)
    health.degrade('audit', state.loss)
    health.addDependency('database', async () => state.store.assertPresent())

    const guard: ClockGuard = createClockGuard({
      clock,
      lastSeenMs: state.lastSeenMs,
      onSetBack: (byMs, nowMs) => meetSetBack(ctx, { state, approvals, ring }, { byMs, nowMs }),
    })
    const ring = await openKeys(ctx, { state })
    const approvals = openApprovals(ctx, { state, guard, policy: () => policies.current() })
    // The first look compares with the last run, so nothing is recorded, signed or approved before it.
    const startedAtMs = guard.nowMs()
    const policies = openPolicies(ctx, { state })
    const parts = { state, guard, policies, operators: openOperators(ctx), ring, approvals }

    approvals.voidOpen('asked in another run', startedAtMs, ({ runId }) => runId !== settings.runId)
    await ring.tick()
    const started = { run_id: settings.runId, policy_version: policies.current().version }
    state.record('started', started, startedAtMs)
    addRoutes(ctx, parts)
    startMaintenance(ctx, parts)
  },
})

function openOperators(ctx: Context): Operators {
  const operators = createOperators(join(ctx.paths.config, 'operator.key'), ctx.config.operators)
  ctx.useOperatorCheck((presented) => operators.nameOf(presented) !== undefined)
  ctx.health.degrade(
    'operator',
    operators.count === 0 ? 'there is no operator key: nobody can approve' : null,
  )
  return operators
}
