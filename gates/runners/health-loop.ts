import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { type GateContext, pause } from './gate-context.ts'
import { askService } from './service-access.ts'

/** A round begun later than this share of the interval is late: fewer rounds would fit into the time promised. */
const LATE_SHARE = 0.5

/** Asks every service for its health at a fixed rate (t0 + n x interval) and counts each check and each tick. */
export async function runHealthLoop(context: GateContext, runId: string): Promise<void> {
  const { profile, host, watch, progress } = context
  const intervalMs = profile.healthIntervalSeconds * 1000
  const startMs = host.clock.monotonicMs()
  for (let round = 0; round < profile.healthRounds; round += 1) {
    const dueMs = startMs + round * intervalMs
    await pause(context, dueMs - host.clock.monotonicMs())
    const isLate = host.clock.monotonicMs() - dueMs > intervalMs * LATE_SHARE
    watch.ops.countCheck('go-no-go', 'health-tick', isLate ? 'late' : 'pass')
    progress.at(`go-no-go: health round ${round + 1} of ${profile.healthRounds}`)
    await Promise.all(SERVICE_NAMES.map((service) => checkHealth(context, service, runId)))
  }
}

async function checkHealth(context: GateContext, service: ServiceName, runId: string): Promise<void> {
  const { profile, watch } = context
  const timeoutMs = Math.min(profile.healthIntervalSeconds * 1000, 5000)
  const isHealthy = await askService(context, service, { path: '/healthz', timeoutMs }).then(
    ({ status, body }) => {
      const health = body as Readonly<Record<string, unknown>> | null
      return status === 200 && health?.['status'] === 'OK' && health['run_id'] === runId
    },
    () => false,
  )
  watch.ops.countCheck('go-no-go', 'health', isHealthy ? 'pass' : 'fail')
}
