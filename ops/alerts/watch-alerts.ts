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
    {
      alert: 'CollectorDown',
      severity: 'warning',
      service: 'collector',
      expr: 'absent(sonia_tool_resident_memory_bytes{tool="collector"}) and on () (sum(up{job="sonia-ops"}) == 1)',
      forSeconds: timing.shortFor,
      summary: 'The OpenTelemetry Collector does not run',
      description: 'Requests are unaffected, their traces are lost; sonia_spans_dropped_total counts them.',
      dashboard: 'sonia-telemetry',
    },
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
