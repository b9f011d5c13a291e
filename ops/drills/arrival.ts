import { waitUntil } from '../wait-until.ts'
import type { DrillStage } from './alert-drill.ts'
import { awaitNotice, type Expected, RECEIVER_OF } from './expectations.ts'

const PATIENCE = { fireMs: 30_000, resolveMs: 60_000 } as const

/** Monotonic milliseconds at which it was seen; undefined when it did not come. */
export async function arrival(
  stage: DrillStage,
  expected: Expected,
  status: 'firing' | 'resolved',
  sinceMs: number,
): Promise<number | undefined> {
  const { pager, signal, host, patience = PATIENCE } = stage.options
  const timeoutMs = status === 'firing' ? patience.fireMs : patience.resolveMs
  if (RECEIVER_OF[expected.severity] !== 'none') {
    const wait = { status, sinceMs, clock: host.clock, timeoutMs, signal }
    return (await awaitNotice(pager, expected, wait))?.atMs
  }
  const ask = async () => {
    const isKnown = (await stateOf(stage, expected)) !== undefined
    return isKnown === (status === 'firing') ? stage.now() : undefined
  }
  return waitUntil(ask, { clock: host.clock, timeoutMs, intervalMs: 200, signal })
}

/** What Alertmanager made of an alert that fires, once it has looked at it; undefined when the time is up. */
export async function judgedState(
  stage: DrillStage,
  expected: Expected,
): Promise<'active' | 'suppressed' | undefined> {
  const { signal, host, patience = PATIENCE } = stage.options
  const ask = async () => {
    const state = await stateOf(stage, expected)
    return state === 'unprocessed' ? undefined : state
  }
  return waitUntil(ask, { clock: host.clock, timeoutMs: patience.fireMs, intervalMs: 200, signal })
}

interface KnownAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly status: { readonly state: 'unprocessed' | 'active' | 'suppressed' }
}

/** As Alertmanager tells it (API v2, `GET /alerts`); undefined where it does not know the alert. */
async function stateOf(
  { watch }: DrillStage,
  { alert, service }: Expected,
): Promise<KnownAlert['status']['state'] | undefined> {
  const response = await fetch(`${watch.alertmanagerUrl}/api/v2/alerts`)
  const alerts = (await response.json()) as readonly KnownAlert[]
  return alerts.find(({ labels }) => labels['alertname'] === alert && labels['service'] === service)?.status
    .state
}
