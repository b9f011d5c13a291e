import { ERROR_CODES } from '#chassis/errors.ts'
import type { PrometheusClient } from '../engine/prometheus-client.ts'
import type { GateWindow, Labels } from '../engine/types.ts'

/** One figure of one minute. */
export interface SoakMetric {
  /** Seconds since the epoch: the end of the minute. */
  readonly time: number
  readonly metric: string
  /** "api-gateway /v1/chat", or "" where there is one series. */
  readonly series: string
  readonly value: number
}

const STEP_SECONDS = 60

function quantile(q: string): string {
  return `histogram_quantile(${q}, sum by (service, route, le) (rate(sonia_http_request_duration_seconds_bucket{job="sonia"}[1m])))`
}

/** Share of the responses to the load that failed this way, as the client saw them. */
function errorRatio(matchers: string): string {
  const failed = `sum(rate(k6_responses_total{outcome!="ok"${matchers}}[1m]))`
  return `(${failed} or vector(0)) / sum(rate(k6_responses_total[1m]))`
}

/** A timeout is its own kind, whether the server says so (408) or the client waited in vain. */
function codesOf(hundred: number): string {
  const codes = Object.entries(ERROR_CODES).filter(([, status]) => Math.floor(status / 100) === hundred)
  const names = codes.map(([code]) => code).filter((code) => code !== 'TIMEOUT')
  return names.join('|')
}

const [CLIENT_FAULTS, SERVER_FAULTS] = [codesOf(4), codesOf(5)]

/** What the seed wants collected every minute, in its order. */
const METRICS: readonly { readonly metric: string; readonly promql: string }[] = [
  { metric: 'latency_p50_seconds', promql: quantile('0.50') },
  { metric: 'latency_p95_seconds', promql: quantile('0.95') },
  { metric: 'latency_p99_seconds', promql: quantile('0.99') },
  { metric: 'error_ratio', promql: errorRatio('') },
  { metric: 'error_5xx_ratio', promql: errorRatio(`,outcome="error",code=~"${SERVER_FAULTS}"`) },
  { metric: 'error_4xx_ratio', promql: errorRatio(`,outcome="error",code=~"${CLIENT_FAULTS}"`) },
  { metric: 'error_timeout_ratio', promql: errorRatio(',outcome="timeout"') },
  // No answer at all, or one that is not what was asked for: it has no status that tells.
  {
    metric: 'error_other_ratio',
    promql: errorRatio(`,outcome="error",code!~"${SERVER_FAULTS}|${CLIENT_FAULTS}"`),
  },
  { metric: 'service_restarts', promql: 'sum by (service) (sonia_service_restarts_total{job="sonia-ops"})' },
  { metric: 'memory_bytes', promql: 'max by (service) (process_resident_memory_bytes{job="sonia"})' },
  { metric: 'active_sessions', promql: 'sum(sonia_voice_sessions_active{job="sonia"})' },
  ...['0.50', '0.95', '0.99'].map((q) => ({
    metric: `db_query_p${q.slice(2)}_seconds`,
    promql: `histogram_quantile(${q}, sum by (operation, le) (rate(sonia_memory_db_query_duration_seconds_bucket{job="sonia"}[1m])))`,
  })),
]

/** Asks for every figure at the end of every minute of the window; minutes without a value have no row. */
export async function collectSoakMetrics(
  client: PrometheusClient,
  { start, end }: Pick<GateWindow, 'start' | 'end'>,
): Promise<readonly SoakMetric[]> {
  const minutes = Math.max(1, Math.floor((end - start) / STEP_SECONDS))
  const window = { start: end - (minutes - 1) * STEP_SECONDS, end, step: STEP_SECONDS }
  const rows: SoakMetric[] = []
  for (const { metric, promql } of METRICS) {
    const { data } = await client.range(promql, window)
    for (const { labels, values } of data) {
      for (const [time, text] of values)
        rows.push({ time, metric, series: nameOf(labels), value: Number(text) })
    }
  }
  return rows.filter(({ value }) => Number.isFinite(value))
}

export function soakMetricsCsv(rows: readonly SoakMetric[]): string {
  const lines = rows.map(({ time, metric, series, value }) =>
    [isoTime(time), metric, quoted(series), value].join(','),
  )
  return `${['time,metric,series,value', ...lines].join('\n')}\n`
}

export function soakMetricsJson(rows: readonly SoakMetric[]): string {
  return `${JSON.stringify({ step_seconds: STEP_SECONDS, rows }, null, 1)}\n`
}

function nameOf({ service, route, operation }: Labels): string {
  return [service, route, operation].filter((name) => name !== undefined).join(' ')
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '')
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
