import type { DashboardSpec } from './dashboard.ts'
import type { PanelSpec } from './panel.ts'

const LOSSES: readonly PanelSpec[] = [
  {
    kind: 'lines',
    title: 'Targets that answer',
    description: '1 where the last scrape succeeded.',
    unit: 'none',
    queries: { '{{job}} {{instance}}': 'up' },
    floors: { critical: 1 },
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Time of a scrape',
    description: 'A scrape that takes long leaves holes.',
    unit: 's',
    queries: { '{{instance}}': 'scrape_duration_seconds' },
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Spans lost',
    description: 'Per second: the queue was full or the Collector did not take them.',
    unit: 'cps',
    queries: { '{{service}}': 'sum by (service) (rate(sonia_spans_dropped_total[$__rate_interval]))' },
    limits: { warning: 0.001 },
    width: 8,
  },
  {
    kind: 'lines',
    title: 'Log lines lost',
    description: 'Per second: the queue was full or writing failed.',
    unit: 'cps',
    queries: { '{{service}}': 'sum by (service) (rate(sonia_log_lines_dropped_total[$__rate_interval]))' },
    limits: { warning: 0.001 },
    width: 8,
  },
  {
    kind: 'lines',
    title: 'Log lines by level',
    description: 'Per second.',
    unit: 'cps',
    queries: {
      '{{service}} {{level}}': 'sum by (service, level) (rate(sonia_log_lines_total[$__rate_interval]))',
    },
    width: 8,
  },
]

const COLLECTOR: readonly PanelSpec[] = [
  {
    kind: 'lines',
    title: 'Spans through the Collector',
    description: 'Taken from the services and written, per second. The lines lie on each other.',
    unit: 'cps',
    queries: {
      taken: 'sum(rate(otelcol_receiver_accepted_spans_total[$__rate_interval]))',
      written: 'sum(rate(otelcol_exporter_sent_spans_total[$__rate_interval]))',
    },
    width: 8,
  },
  {
    kind: 'lines',
    title: 'Spans the Collector lost',
    description: 'Refused, or taken and not written, per second. The services do not know of the latter.',
    unit: 'cps',
    queries: {
      refused: 'sum(rate(otelcol_receiver_refused_spans_total[$__rate_interval])) or vector(0)',
      'not written': 'sum(rate(otelcol_exporter_send_failed_spans_total[$__rate_interval])) or vector(0)',
    },
    limits: { warning: 0.001 },
    width: 8,
  },
  {
    kind: 'lines',
    title: 'Memory of the Collector',
    description: 'It refuses spans before it reaches its limit.',
    unit: 'bytes',
    queries: { resident: 'otelcol_process_memory_rss_bytes' },
    width: 8,
  },
]

const WATCHERS: readonly PanelSpec[] = [
  {
    kind: 'lines',
    title: 'Series in Prometheus',
    description: 'Labels are closed lists: this line must not follow the traffic.',
    unit: 'short',
    queries: { series: 'prometheus_tsdb_head_series' },
    width: 8,
  },
  {
    kind: 'lines',
    title: 'Rules that failed',
    description: 'A rule that cannot be evaluated alerts nobody.',
    unit: 'cps',
    queries: { '{{rule_group}}': 'sum(rate(prometheus_rule_evaluation_failures_total[$__rate_interval]))' },
    limits: { warning: 0.001 },
    width: 8,
  },
  {
    kind: 'lines',
    title: 'Notifications',
    description: 'Sent and failed, per second, by the way they take.',
    unit: 'cps',
    queries: {
      'sent {{integration}}':
        'sum by (integration) (rate(alertmanager_notifications_total[$__rate_interval]))',
      'failed {{integration}}':
        'sum by (integration) (rate(alertmanager_notifications_failed_total[$__rate_interval]))',
    },
    width: 8,
  },
]

export const TELEMETRY: DashboardSpec = {
  uid: 'sonia-telemetry',
  title: 'SONIA telemetry health',
  description: 'Whether what the other dashboards show can be believed.',
  from: 'now-1h',
  rows: { 'Scrapes and losses': LOSSES, Collector: COLLECTOR, Watchers: WATCHERS },
}
