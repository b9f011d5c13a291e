import type { Context, Parts } from '../context.ts'

/** Everything that got a life by the old clock ends now. Throws where that cannot be written, and is then met again. */
export function meetSetBack(
  ctx: Context,
  { ring, approvals, state }: Pick<Parts, 'ring' | 'approvals' | 'state'>,
  step: { readonly byMs: number; readonly nowMs: number },
): void {
  const message = `the clock was set back by ${Math.round(step.byMs / 1000)} s: approvals and keys were thrown away`
  ctx.health.degrade('clock', message)
  ctx.log.error({ operation: 'clock' }, message)
  ring.dropAll()
  approvals.voidOpen('the clock was set back', step.nowMs)
  state.record('clock_set_back', { by_ms: Math.round(step.byMs) }, step.nowMs)
}
