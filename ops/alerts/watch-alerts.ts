import { promDuration } from '../rendering/durations.ts'
import type { AlertRule } from './alert-rule.ts'
import type { AlertTiming } from './timing.ts'

/** Who watches the watchers. */
export function watchAlerts(timing: AlertTiming): readonly AlertRule[] {
  const window = promDuration(timing.rateWindow)
  return [
    {
      alert: 'WatcherDown',
      severity: 'warning',
      service: '{{ $labels.job }}',
      expr: 'up{job=~"sonia-ops|prometheus|alertmanager"} == 0',
      forSeconds: timing.shortFor,
      summary: '{{ $labels.job }} does not answer',
      description: 'A part of the watching side is away; what it would have told is unknown meanwhile.',
      dashboard: 'sonia-telemetry',
    },
    ...collectorAlerts(timing, window),
    {
      alert: 'TelemetryLost',
      severity: 'warning',
      expr: `sum by (service) (increase(sonia_spans_dropped_total{job="sonia"}[${window}])) + sum by (service) (increase(sonia_log_lines_dropped_total{job="sonia"}[${window}])) > 0`,
      forSeconds: timing.shortFor,
      summary: '{{ $labels.service }} loses telemetry',
      description:
        '{{ $value | humanize }} spans and log lines were dropped: a full queue, a slow Collector or a full disk.',
      dashboard: 'sonia-telemetry',
    },
    {
      alert: 'RuleEvaluationFails',
      severity: 'warning',
      service: 'prometheus',
      expr: `sum(increase(prometheus_rule_evaluation_failures_total[${window}])) > 0`,
      forSeconds: 0,
      summary: 'Rules of Prometheus fail',
      description: 'Alerts that depend on them are silent. The Rules page of Prometheus names them.',
      dashboard: 'sonia-telemetry',
    },
    {
      alert: 'NotificationsFail',
      severity: 'warning',
      service: 'alertmanager',
      expr: `sum(increase(alertmanager_notifications_failed_total[${window}])) > 0`,
      forSeconds: 0,
      summary: 'Notifications do not reach their receiver',
      description: 'Alertmanager tries again; look at the receiver and at config/alerting.json.',
      dashboard: 'sonia-telemetry',
    },
    {
      alert: 'Watchdog',
      severity: 'info',
      service: 'prometheus',
      expr: 'vector(1)',
      forSeconds: 0,
      summary: 'The alarm chain works',
      description: 'Fires always. Whoever receives it should raise the alarm when it stops coming.',
      dashboard: 'sonia-telemetry',
    },
  ]
}

function collectorAlerts(timing: AlertTiming, window: string): readonly AlertRule[] {
  return [
    {
      alert: 'CollectorDown',
      severity: 'warning',
      service: 'collector',
      // Where nobody supervises it (compose without the profile that has a Collector), its absence is meant.
      expr: 'up{job="collector"} == 0 and on () (sum(up{job="sonia-ops"}) == 1)',
      forSeconds: timing.shortFor,
      summary: 'The OpenTelemetry Collector does not run',
      description: 'Requests are unaffected, their traces are lost; sonia_spans_dropped_total counts them.',
      dashboard: 'sonia-telemetry',
    },
    {
      alert: 'CollectorLosesSpans',
      severity: 'warning',
      service: 'collector',
      expr: lostByCollector(window),
      forSeconds: timing.shortFor,
      summary: 'The OpenTelemetry Collector loses spans',
      description:
        '{{ $value | humanize }} spans were refused, or taken and not written: out of memory, a full disk, or Tempo is away.',
      dashboard: 'sonia-telemetry',
    },
  ]
}

const COLLECTOR_LOSSES = [
  'otelcol_receiver_refused_spans_total',
  'otelcol_receiver_failed_spans_total',
  'otelcol_exporter_send_failed_spans_total',
] as const

/** A count of failures is born at the first one, which `increase` does not see: where it is new, all of it counts. */
function lostByCollector(window: string): string {
  const parts = COLLECTOR_LOSSES.map((name) => {
    const series = `${name}{job="collector"}`
    return `(sum((${series} unless ${series} offset ${window}) or increase(${series}[${window}])) or vector(0))`
  })
  return `${parts.join(' + ')} > 0`
}
