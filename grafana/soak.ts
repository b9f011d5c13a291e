import { THRESHOLDS } from '#ops/thresholds.ts'
import type { DashboardSpec } from './dashboard.ts'
import type { PanelSpec } from './panel.ts'

const LOAD: readonly PanelSpec[] = [
  {
    kind: 'lines',
    title: 'Responses by outcome',
    description: 'What the load generator saw, per second. It judges bodies too, not only statuses.',
    unit: 'reqps',
    queries: {
      '{{scenario}} {{outcome}}': 'sum by (scenario, outcome) (rate(k6_responses_total[$__rate_interval]))',
    },
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Load asked for',
    description: 'Iterations that the plan owes in the whole window.',
    unit: 'short',
    queries: { '{{scenario}}': 'sonia_load_planned_iterations' },
    width: 12,
  },
  {
    kind: 'number',
    title: 'Share of failed responses',
    description: 'Over the chosen time. At this share the soak is lost for certain.',
    unit: 'percentunit',
    queries: {
      failed:
        '(sum(increase(k6_responses_total{outcome!="ok"}[$__range])) or vector(0)) / (sum(increase(k6_responses_total[$__range])) > 0)',
    },
    limits: { critical: THRESHOLDS.soakErrorRatio },
    width: 8,
  },
  {
    kind: 'number',
    title: 'Restarts',
    description: 'Services that ended on their own and were started again. One fails the gate.',
    unit: 'short',
    queries: { restarts: 'sum(increase(sonia_service_restarts_total[$__range]))' },
    limits: { critical: 1 },
    width: 8,
  },
  {
    kind: 'number',
    title: 'Requests begun and not ended',
    description: 'After the drain it must be 0.',
    unit: 'short',
    queries: { stuck: 'sum(sonia_http_requests_started_total) - sum(sonia_http_requests_finished_total)' },
    width: 8,
  },
]

const GROWTH: readonly PanelSpec[] = [
  {
    kind: 'lines',
    title: 'Floor of the resident memory',
    description: 'Lowest value of each half hour: what is left after collection. A leak lifts the floor.',
    unit: 'bytes',
    queries: { '{{service}}': 'service:process_resident_memory_bytes:floor30m' },
    width: 12,
  },
  {
    kind: 'lines',
    title: 'p95 by route',
    description: 'May not rise by 10 % over the window.',
    unit: 's',
    queries: { '{{service}} {{route}}': 'service_route:sonia_http_request_duration_seconds:p95_1m' },
    limits: THRESHOLDS.latencyP95Seconds,
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Voice sessions',
    description: 'Created = closed + active at every moment.',
    unit: 'short',
    queries: {
      created: 'sum(sonia_voice_sessions_created_total)',
      closed: 'sum(sonia_voice_sessions_closed_total)',
      active: 'sum(sonia_voice_sessions_active)',
    },
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Memory of the tools',
    description: 'The load generator and the watchers are watched as well.',
    unit: 'bytes',
    queries: { '{{tool}}': 'sonia_tool_resident_memory_bytes' },
    width: 12,
  },
]

export const SOAK: DashboardSpec = {
  uid: 'sonia-soak',
  title: 'SONIA soak',
  description: 'A long run under constant load: delivered or not, growing or not, stuck or not.',
  from: 'now-48h',
  rows: { Load: LOAD, 'Growth and drift': GROWTH },
}
