import { THRESHOLDS } from '#ops/thresholds.ts'
import type { DashboardSpec } from './dashboard.ts'
import type { PanelSpec } from './panel.ts'
import { DURATION, errorRatio, errorRatioByService, p95, TO_SERVICE } from './queries.ts'

const SUMMARY: readonly PanelSpec[] = [
  {
    kind: 'number',
    title: 'Uptime',
    description: 'Since the youngest of the six processes started.',
    unit: 's',
    queries: { uptime: 'time() - max(process_start_time_seconds{job="sonia"})' },
    width: 4,
  },
  {
    kind: 'number',
    title: 'Error ratio, 5 min',
    description: 'Share of requests answered with a fault of the service. Empty while nobody asks.',
    unit: 'percentunit',
    queries: { errors: errorRatio('5m') },
    limits: THRESHOLDS.errorRatio,
    width: 5,
  },
  {
    kind: 'number',
    title: 'p95 of the gateway, 5 min',
    description: '95 of 100 requests to api-gateway are faster.',
    unit: 's',
    queries: { p95: p95('le', 'job="sonia",service="api-gateway"', '5m') },
    limits: THRESHOLDS.latencyP95Seconds,
    width: 5,
  },
  {
    kind: 'number',
    title: 'Next backup in',
    description: 'Time until the scheduled backup; negative when it is overdue.',
    unit: 's',
    queries: { next: 'sonia_backup_next_timestamp_seconds - time()' },
    floors: { critical: 0 },
    width: 5,
  },
  {
    kind: 'number',
    title: 'Last verified backup',
    description: 'Age of the newest backup that was restored into a scratch folder and found whole.',
    unit: 's',
    queries: { age: 'time() - sonia_backup_last_verified_timestamp_seconds' },
    limits: THRESHOLDS.backupVerifiedAgeSeconds,
    width: 5,
  },
]

const SERVICES: readonly PanelSpec[] = [
  {
    kind: 'number',
    title: 'Status',
    description:
      '1 OK, 0.5 DEGRADED, 0 down or draining; a service that does not answer has its last value for 5 minutes.',
    unit: 'none',
    queries: { '{{service}}': 'sonia_service_status{job="sonia"} * on (service) up{job="sonia"}' },
    floors: { critical: 0.5, warning: 1 },
    width: 24,
    link: TO_SERVICE,
  },
  {
    kind: 'lines',
    title: 'Error ratio by service',
    description:
      'Share of requests answered with INTERNAL_ERROR, TIMEOUT or UNAVAILABLE; refusals are answers.',
    unit: 'percentunit',
    queries: { '{{service}}': errorRatioByService('$__rate_interval') },
    limits: THRESHOLDS.errorRatio,
    width: 8,
    link: TO_SERVICE,
  },
  {
    kind: 'lines',
    title: 'p95 by service',
    description: '95 of 100 requests are faster. Points link to the trace of one request.',
    unit: 's',
    queries: { '{{service}}': p95('service, le') },
    limits: THRESHOLDS.latencyP95Seconds,
    exemplars: true,
    width: 8,
    link: TO_SERVICE,
  },
  {
    kind: 'lines',
    title: 'Resident memory',
    description: 'As the kernel counts it. Growth is judged on its floors, see the soak.',
    unit: 'bytes',
    queries: { '{{service}}': 'process_resident_memory_bytes{job="sonia"}' },
    width: 8,
    link: TO_SERVICE,
  },
]

const count = (title: string, description: string, expr: string): PanelSpec => ({
  kind: 'number',
  title,
  description,
  unit: 'short',
  queries: { count: expr },
  width: 4,
})

const WORK: readonly PanelSpec[] = [
  count(
    'Requests',
    'Requests that api-gateway answered since it started.',
    `sum(${DURATION}_count{job="sonia",service="api-gateway"})`,
  ),
  count(
    'Model requests',
    'Requests to model providers since model-router started.',
    'sum(sonia_model_requests_total)',
  ),
  count(
    'Searches',
    'Searches of the memory since memory-engine started.',
    'sum(sonia_memory_searches_total)',
  ),
  count('Voice sessions', 'Voice sessions open now.', 'sum(sonia_voice_sessions_active)'),
  count(
    'Tool executions',
    'Tool executions since openclaw started, whatever their outcome.',
    'sum(sonia_tool_executions_total)',
  ),
  count('Approvals pending', 'Approval requests that wait for a person.', 'sum(sonia_approvals_pending)'),
]

const ALERTS: readonly PanelSpec[] = [
  {
    kind: 'table',
    title: 'Alerts that fire',
    description: 'Without the Watchdog, which always fires: its silence is the alarm.',
    unit: 'none',
    queries: { alerts: 'ALERTS{alertstate="firing",alertname!="Watchdog"}' },
    width: 16,
  },
  {
    kind: 'number',
    title: 'Disk used',
    description: 'Of the file systems that hold the state.',
    unit: 'percentunit',
    queries: { '{{path}}': '1 - sonia_disk_free_bytes / sonia_disk_size_bytes' },
    limits: THRESHOLDS.diskUsedRatio,
    width: 8,
    height: 8,
  },
]

/** What the seed draws in 5.3. */
export const PRODUCTION: DashboardSpec = {
  uid: 'sonia-production',
  title: 'SONIA production',
  description: 'Is it up, is it right, is it fast; who is to blame; is the last backup good.',
  from: 'now-1h',
  rows: { Summary: SUMMARY, Services: SERVICES, Work: WORK, 'Alerts and disk': ALERTS },
}
