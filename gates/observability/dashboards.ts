import { panelQueries } from '../../grafana/panel-queries.ts'
import { type PrometheusClient, prometheusClient } from '../engine/prometheus-client.ts'
import type { GateContext } from '../runners/gate-context.ts'
import type { Count } from '../runners/observability.ts'

/** A rate needs four scrapes, as Grafana itself asks for. */
const SCRAPES_PER_RATE = 4
const POINTS = 30

/** Queries that every run must answer, whatever the panels on the list of exceptions do. */
export function dashboardQueryCount(): number {
  return panelQueries({ rangeSeconds: 60, rateSeconds: 4 }).length
}

/** Asks every query of every panel as Grafana would, over the time since this gate began. */
export async function lookAtDashboards(context: GateContext, since: number, count: Count): Promise<void> {
  const { host, profile, watch } = context
  const end = Math.floor(host.clock.nowMs() / 1000)
  const rangeSeconds = Math.max(Math.ceil(end - since), 1)
  const client = prometheusClient({ url: watch.prometheusUrl, signal: context.signal })
  const step = Math.max(Math.floor(rangeSeconds / POINTS), 1)
  const rateSeconds = SCRAPES_PER_RATE * profile.scrapeSeconds
  for (const { dashboard, panel, expr, mayBeEmpty } of panelQueries({ rangeSeconds, rateSeconds })) {
    const answer = await answerOf(client, expr, { start: Math.floor(since), end, step })
    const isHeld = answer === 'data' || (answer === 'nothing' && mayBeEmpty !== undefined)
    count('dashboard', isHeld, `${dashboard}, ${panel}: ${answer}`)
  }
}

async function answerOf(
  client: PrometheusClient,
  expr: string,
  window: { readonly start: number; readonly end: number; readonly step: number },
): Promise<string> {
  const { fault, data } = await client.range(expr, window)
  if (fault !== null) return fault.message
  return data.length > 0 ? 'data' : 'nothing'
}
