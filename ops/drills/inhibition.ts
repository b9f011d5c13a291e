import { waitUntil } from '../wait-until.ts'
import type { DrillStage } from './alert-drill.ts'
import { awaitNotice, type Expected, PATIENCE } from './expectations.ts'
import { PAGE_AND_TICKET } from './planted-alerts.ts'

/**
 * A page, and a ticket of the same service that begins while the page fires: Alertmanager must hold the ticket back.
 * Returns the ticket where it was not held back, or where page or ticket did not come, so that nothing was shown.
 */
export async function drillInhibition(stage: DrillStage): Promise<readonly string[]> {
  const { pager, host, signal, say, patience = PATIENCE } = stage.options
  const { page, ticket } = PAGE_AND_TICKET
  const name = `${ticket.alert} ${ticket.service}`
  say(`planting ${page.alert}, then ${ticket.alert} of the same service, which must be held back`)
  const arrival = (status: 'firing' | 'resolved', timeoutMs: number) =>
    awaitNotice(pager, page, { status, sinceMs: stage.now(), clock: host.clock, timeoutMs, signal })
  try {
    stage.planted.setBad(page.series)
    if ((await arrival('firing', patience.fireMs)) === undefined) return [`${name}: its page did not come`]
    stage.planted.setBad([...page.series, ...ticket.series])
    const wait = { clock: host.clock, timeoutMs: patience.fireMs, intervalMs: 200, signal }
    const state = await waitUntil(() => stateOf(stage, ticket), wait)
    if (state === undefined) return [`${name}: it did not come`]
    return state === 'suppressed' ? [] : [name]
  } finally {
    stage.planted.setBad([])
    await arrival('resolved', patience.resolveMs)
  }
}

interface KnownAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly status: { readonly state: 'unprocessed' | 'active' | 'suppressed' }
}

/** As Alertmanager tells it (API v2, `GET /alerts`); undefined until it has looked at the alert. */
async function stateOf(
  stage: DrillStage,
  { alert, service }: Expected,
): Promise<'active' | 'suppressed' | undefined> {
  const response = await fetch(`${stage.watch.alertmanagerUrl}/api/v2/alerts`)
  const alerts = (await response.json()) as readonly KnownAlert[]
  const known = alerts.find(({ labels }) => labels['alertname'] === alert && labels['service'] === service)
  const state = known?.status.state
  return state === 'unprocessed' ? undefined : state
}
