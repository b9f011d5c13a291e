import type { PrometheusClient } from '../engine/prometheus-client.ts'
import { type GateContext, pause } from './gate-context.ts'

const FIRING = 'ALERTS{alertstate="firing",severity=~"critical|warning"}'
const PATIENCE_SECONDS = 60

/**
 * Waits, for at most a minute, until no alert fires any more: one that a stop before this start caused still fires
 * until its rule is evaluated again, and is no finding of the window to come. An alert that stays is left to the
 * criteria.
 */
export async function waitForQuietAlerts(
  context: Pick<GateContext, 'host' | 'signal' | 'progress'>,
  client: Pick<PrometheusClient, 'instant'>,
): Promise<void> {
  for (let second = 0; second < PATIENCE_SECONDS; second += 1) {
    const { data, fault } = await client.instant(FIRING, context.host.clock.nowMs() / 1000)
    if (fault === null && data.length === 0) return
    context.progress.at('soak: waiting for the alerts of the last stop to end')
    await pause(context, 1000)
  }
}
