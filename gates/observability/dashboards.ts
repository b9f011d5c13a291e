import { panelQueries } from '../../grafana/panel-queries.ts'
import type { AnswerFault } from '../engine/types.ts'
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

/** Asks every query of every panel as Grafana would, over all that this run has recorded. */
export async function lookAtDashboards(context: GateContext, count: Count): Promise<void> {
  const { host, profile, watch } = context
  const client = prometheusClient({ url: watch.prometheusUrl, signal: context.signal })
  const end = Math.floor(host.clock.nowMs() / 1000)
  const start = Math.floor(
    (await valueOf(client, 'min(process_start_time_seconds{job="prometheus"})', end)) ?? end,
  )
  const hasSoak = (await valueOf(client, 'max(sonia_load_planned_iterations)', end)) !== undefined
  const rangeSeconds = Math.max(end - start, 1)
  const step = Math.max(Math.floor(rangeSeconds / POINTS), 1)
  const rateSeconds = SCRAPES_PER_RATE * profile.scrapeSeconds
  for (const query of panelQueries({ rangeSeconds, rateSeconds })) {
    const answer = await answerOf(client, query.expr, { start, end, step })
    const mayBeEmpty = query.mayBeEmpty !== undefined || (query.needsSoak && !hasSoak)
    const isHeld = answer === 'data' || (answer === 'nothing' && mayBeEmpty)
    count('dashboard', isHeld, `${query.dashboard}, ${query.panel}: ${answer}`)
  }
}

async function valueOf(client: PrometheusClient, query: string, at: number): Promise<number | undefined> {
  const { data } = await client.instant(query, at)
  const [sample] = data
  return sample === undefined ? undefined : Number(sample.value)
}

async function answerOf(
  client: PrometheusClient,
  expr: string,
  window: { readonly start: number; readonly end: number; readonly step: number },
): Promise<string> {
  const { fault, data } = await client.range(expr, window)
  if (fault !== null && !isDrawnAllTheSame(fault)) return fault.message
  return data.length > 0 ? 'data' : 'nothing'
}

/** An info is a remark on numbers that are there; a panel draws them. A warning may mean that some are missing. */
function isDrawnAllTheSame({ kind, message }: AnswerFault): boolean {
  return kind === 'warning' && message.split('; ').every((said) => said.startsWith('PromQL info:'))
}
