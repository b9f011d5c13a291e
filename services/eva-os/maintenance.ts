import type { Context, Parts } from './context.ts'

const EVERY_MS = 1_000
const ANCHOR_EVERY_ROUNDS = 30

/** Once a second: notice a set clock, changed policies, ended approvals, due keys. Failure makes the service DEGRADED. */
export function startMaintenance(ctx: Context, parts: Parts): void {
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

async function maintain(ctx: Context, parts: Parts, round: number): Promise<void> {
  try {
    parts.guard.nowMs()
    if (parts.guard.sinceSetBackMs() > ctx.config.token_seconds * 1000) ctx.health.degrade('clock', null)
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
