import { promDuration } from '../rendering/durations.ts'
import { FAILURE_CODES, THRESHOLDS } from '../thresholds.ts'
import type { AlertRule } from './alert-rule.ts'
import type { AlertTiming } from './timing.ts'

/** Refusals, policy, logs: what an attacker or a bad edit would show. */
export function securityAlerts(timing: AlertTiming): readonly AlertRule[] {
  const window = promDuration(timing.rateWindow)
  return [
    {
      alert: 'AuthFailures',
      severity: 'warning',
      expr: `sum by (service) (rate(sonia_service_auth_failures_total{job="sonia"}[${window}])) > ${THRESHOLDS.authFailuresPerSecond.warning}`,
      forSeconds: timing.shortFor,
      summary: 'Callers are refused at the door of {{ $labels.service }}',
      description: '{{ $value | humanize }} requests per second come without a valid token or key.',
      dashboard: 'sonia-service',
    },
    {
      alert: 'PolicyRejected',
      severity: 'critical',
      expr: 'min by (service) (sonia_policy_valid{job="sonia"}) == 0',
      forSeconds: 0,
      summary: 'Policy files were rejected',
      description:
        'The files under config/policies are not in force; the last valid policy is, or everything is denied. The log of eva-os names the problems.',
      dashboard: 'sonia-service',
    },
    {
      alert: 'UnexpectedErrorLines',
      severity: 'warning',
      expr: `sum by (service) (increase(sonia_log_lines_total{job="sonia",level=~"ERROR|FATAL"}[${window}])) > 0`,
      forSeconds: 0,
      summary: '{{ $labels.service }} logs errors',
      description:
        './sonia logs {{ $labels.service }} --level ERROR shows them. In a soak each one needs an explanation.',
      dashboard: 'sonia-service',
    },
  ]
}

/** Backups: how much would be lost now. */
export function backupAlerts(timing: AlertTiming): readonly AlertRule[] {
  const neverFor = (metric: string, seconds: number) =>
    `(time() - max(process_start_time_seconds{job="sonia-ops"}) > ${seconds} unless on () ${metric})`
  const older = (metric: string, seconds: number) => `max(time() - ${metric}) > ${seconds}`
  const age = THRESHOLDS.backupAgeSeconds.critical
  const verifiedAge = THRESHOLDS.backupVerifiedAgeSeconds.warning
  const [success, verified] = [
    'sonia_backup_last_success_timestamp_seconds',
    'sonia_backup_last_verified_timestamp_seconds',
  ] as const
  return [
    {
      alert: 'BackupTooOld',
      severity: 'critical',
      service: 'backup',
      expr: `${older(success, age)} or ${neverFor(success, age)}`,
      forSeconds: timing.shortFor,
      summary: 'The newest backup is too old',
      description:
        'It is {{ $value | humanizeDuration }} since a backup was completed (or since the start, without any); the promise is at most 6 hours.',
      dashboard: 'sonia-production',
    },
    {
      alert: 'BackupNotVerified',
      severity: 'warning',
      service: 'backup',
      expr: `${older(verified, verifiedAge)} or ${neverFor(verified, verifiedAge)}`,
      forSeconds: timing.shortFor,
      summary: 'No recent backup was proven restorable',
      description:
        'It is {{ $value | humanizeDuration }} since a backup was restored into a scratch folder and found whole. Only such a backup counts.',
      dashboard: 'sonia-production',
    },
  ]
}

/** The soak allows 0.5 % errors; a stack that burns that budget too fast will not pass, and should be known early. */
export function gateAlerts(timing: AlertTiming): readonly AlertRule[] {
  const chat = 'sonia_http_request_duration_seconds_count{job="sonia",service="api-gateway",route="/v1/chat"'
  const failed = `code=~"${FAILURE_CODES.join('|')}"`
  const burn = (seconds: number, budgetShare: number, hours: number) => {
    const window = promDuration(seconds)
    const limit = (THRESHOLDS.soakErrorRatio * THRESHOLDS.soakHours * budgetShare) / hours
    return `sum by (service) (rate(${chat},${failed}}[${window}])) / sum by (service) (rate(${chat}}[${window}])) > ${limit.toPrecision(3)}`
  }
  return [
    {
      alert: 'GateBudgetBurn',
      severity: 'critical',
      expr: burn(timing.burnFast, 0.1, 1),
      forSeconds: timing.shortFor,
      summary: 'The error budget of the soak burns fast',
      description:
        '{{ $value | humanizePercentage }} of chat requests fail: at this pace a tenth of the 48 h budget goes in an hour.',
      dashboard: 'sonia-slo',
    },
    {
      alert: 'GateBudgetBurn',
      severity: 'warning',
      expr: burn(timing.burnSlow, 0.25, 6),
      forSeconds: timing.shortFor,
      summary: 'The error budget of the soak burns',
      description:
        '{{ $value | humanizePercentage }} of chat requests fail: at this pace a quarter of the 48 h budget goes in six hours.',
      dashboard: 'sonia-slo',
    },
    {
      alert: 'SoakBudgetSpent',
      severity: 'critical',
      service: 'soak',
      expr: 'max(sonia_load_failed_responses{job="sonia-ops"}) >= max(sonia_load_error_budget_responses{job="sonia-ops"})',
      forSeconds: 0,
      summary: 'The error budget of the soak is spent',
      description:
        '{{ $value }} responses failed: no number of later successes brings the gate back, and its load was stopped.',
      dashboard: 'sonia-soak',
    },
    {
      alert: 'GateFailed',
      severity: 'warning',
      service: 'gates',
      expr: 'count(sonia_gate_verdict == 0) > 0',
      forSeconds: 0,
      summary: 'A release gate failed',
      description: '{{ $value }} gates of the last run ended with FAIL; the report in artifacts says why.',
      dashboard: 'sonia-gates',
    },
  ]
}
