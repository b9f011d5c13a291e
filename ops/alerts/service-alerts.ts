import { SERVICE_NAMES } from '#catalog'
import { promDuration } from '../rendering/durations.ts'
import { FAILURE_CODES, THRESHOLDS } from '../thresholds.ts'
import type { AlertRule } from './alert-rule.ts'
import type { AlertTiming } from './timing.ts'

const DURATION = 'sonia_http_request_duration_seconds'
const FAILED = `code=~"${FAILURE_CODES.join('|')}"`

/** What a person is woken for: a service is gone, not well, or stuck. */
export function availabilityAlerts(timing: AlertTiming): readonly AlertRule[] {
  return [
    {
      alert: 'ServiceDown',
      severity: 'critical',
      expr: 'up{job="sonia"} == 0 or (sonia_service_status{job="sonia"} == 0 and on (service) up{job="sonia"} == 1)',
      forSeconds: timing.downFor,
      summary: '{{ $labels.service }} is down',
      description:
        'It does not answer its scrapes, or says itself that it is down. The supervisor restarts a crashed service 3 times in 5 minutes; this one stays away.',
      dashboard: 'sonia-production',
    },
    ...SERVICE_NAMES.map(
      (service): AlertRule => ({
        alert: 'ServiceAbsent',
        severity: 'critical',
        service,
        expr: `absent(up{job="sonia",service="${service}"})`,
        forSeconds: timing.shortFor,
        summary: '{{ $labels.service }} is not watched',
        description: 'Prometheus has no such target any more, so its failures would be silent.',
        dashboard: 'sonia-telemetry',
      }),
    ),
    {
      alert: 'ServiceDegraded',
      severity: 'critical',
      expr: 'sonia_service_status{job="sonia"} > 0 < 1',
      forSeconds: timing.shortFor,
      summary: '{{ $labels.service }} is degraded',
      description: 'It works with a part missing; GET /healthz and its log name the part.',
      dashboard: 'sonia-service',
    },
    {
      alert: 'RequestStuck',
      severity: 'critical',
      expr: `max by (service) (sonia_http_oldest_in_flight_seconds{job="sonia"}) > ${THRESHOLDS.oldestInFlightSeconds.critical}`,
      forSeconds: 0,
      summary: 'A request to {{ $labels.service }} does not end',
      description:
        'The oldest request in flight is {{ $value | humanizeDuration }} old: a deadlock, or a call without a deadline.',
      dashboard: 'sonia-service',
    },
    {
      alert: 'ServiceRestarted',
      severity: 'warning',
      // Where no supervisor counts, as in containers, the start time of the process tells.
      expr: `sum by (service) (increase(sonia_service_restarts_total[${promDuration(timing.eventWindow)}])) > 0 or (sum by (service) (changes(process_start_time_seconds{job="sonia"}[${promDuration(timing.eventWindow)}])) > 0 unless on (service) sum by (service) (sonia_service_restarts_total))`,
      forSeconds: 0,
      summary: '{{ $labels.service }} was restarted',
      description:
        'It ended on its own and was started again; its last words are in logs/{{ $labels.service }}.out.',
      dashboard: 'sonia-service',
    },
    {
      alert: 'VoiceSessionStuck',
      severity: 'warning',
      expr: `max by (service) (sonia_voice_session_oldest_age_seconds{job="sonia"}) > ${THRESHOLDS.voiceSessionAgeSeconds.warning}`,
      forSeconds: timing.shortFor,
      summary: 'A voice session outlives its lifetime',
      description:
        'The oldest session is {{ $value | humanizeDuration }} old; none may live longer than 30 minutes.',
      dashboard: 'sonia-service',
    },
  ]
}

/** Ratios and latencies, each with a floor of traffic below which they say nothing. */
export function requestAlerts(timing: AlertTiming): readonly AlertRule[] {
  const window = promDuration(timing.rateWindow)
  const rate = (matchers: string) =>
    `sum by (service) (rate(${DURATION}_count{job="sonia"${matchers}}[${window}]))`
  const hasTraffic = `${rate('')} > ${THRESHOLDS.requestFloorPerSecond}`
  const slower = (edge: string) =>
    `1 - sum by (service) (rate(${DURATION}_bucket{job="sonia",le="${edge}"}[${window}])) / (${hasTraffic})`
  const level = ['critical', 'warning'] as const
  return [
    ...level.map(
      (severity): AlertRule => ({
        alert: 'HighErrorRatio',
        severity,
        expr: `${rate(`,${FAILED}`)} / (${hasTraffic}) > ${THRESHOLDS.errorRatio[severity]}`,
        forSeconds: timing.ratioFor,
        summary: 'Requests to {{ $labels.service }} fail',
        description: `{{ $value | humanizePercentage }} of its requests end with ${FAILURE_CODES.join(', ')}; more than ${THRESHOLDS.errorRatio[severity] * 100} % is too much.`,
        dashboard: 'sonia-service',
      }),
    ),
    ...level.map(
      (severity): AlertRule => ({
        alert: 'HighLatency',
        severity,
        // The exact share of slower requests: a quantile would be interpolated inside a bucket.
        expr: `${slower(THRESHOLDS.latencyP95Seconds[severity].toFixed(1))} > 0.05`,
        forSeconds: timing.ratioFor,
        summary: 'Requests to {{ $labels.service }} are slow',
        description: `{{ $value | humanizePercentage }} of its requests take longer than ${THRESHOLDS.latencyP95Seconds[severity]} s; p95 is above it as soon as that is more than 5 %.`,
        dashboard: 'sonia-service',
      }),
    ),
    {
      alert: 'DegradedAnswers',
      severity: 'warning',
      expr: `${rate(',code="DEGRADED"')} / (${hasTraffic}) > ${THRESHOLDS.degradedRatio.warning}`,
      forSeconds: timing.ratioFor,
      summary: '{{ $labels.service }} answers with parts missing',
      description:
        '{{ $value | humanizePercentage }} of its answers carry the warning DEGRADED: a neighbour or a provider is away.',
      dashboard: 'sonia-service',
    },
    {
      alert: 'NoTraffic',
      severity: 'info',
      service: 'api-gateway',
      expr: `sum(rate(sonia_http_requests_started_total{job="sonia",service="api-gateway",caller="external"}[${window}])) == 0`,
      forSeconds: timing.idleFor,
      summary: 'Nobody asks',
      description:
        'No request from outside reaches the gateway. Ratios say nothing now; if people should be there, look at the way to it.',
      dashboard: 'sonia-production',
    },
  ]
}
