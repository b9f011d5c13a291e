import type { Severity } from '../alerts/alert-rule.ts'
import { THRESHOLDS } from '../thresholds.ts'
import type { PlantedSeries } from './planted-series.ts'

/** An alert the drill causes by made-up series. */
export interface PlantedAlert {
  readonly alert: string
  readonly severity: Severity
  readonly service: string
  readonly series: readonly PlantedSeries[]
}

const HOUR = 3_600
const MIB = 1_024 * 1_024
const DURATION = 'sonia_http_request_duration_seconds'

/** A value that changes with the mood alone. */
const gauge = (series: string, calm: number, bad: number): PlantedSeries => ({
  series,
  calm: () => calm,
  bad: () => bad,
})
/** Rises by so much per second, whatever the mood. */
const steady = (series: string, perSecond: number): PlantedSeries => ({
  series,
  calm: (seconds) => perSecond * seconds,
  bad: (seconds) => perSecond * seconds,
})
/** At 0, but rising while bad. */
const rising = (series: string, perSecond: number): PlantedSeries => ({
  series,
  calm: () => 0,
  bad: (_seconds, badSeconds) => 1 + perSecond * badSeconds,
})
/** Rising, but standing still while bad. */
const stalling = (series: string, perSecond: number): PlantedSeries => ({
  series,
  calm: (seconds) => perSecond * seconds,
  bad: (seconds, badSeconds) => (perSecond * Math.round((seconds - badSeconds) * 1_000)) / 1_000,
})

const of = (service: string, name: string, more = '') =>
  `${name}{job="sonia",service="${service}",instance="planted"${more}}`
const ops = (name: string, more = '') => `${name}{job="sonia-ops",instance="planted"${more}}`
const count = (service: string, code: string, route = '/planted') =>
  of(service, `${DURATION}_count`, `,route="${route}",code="${code}"`)

/** A service of its own for each case, or the critical ones would inhibit the others. */
function perService(
  alert: string,
  severity: Severity,
  series: (service: string) => readonly PlantedSeries[],
): PlantedAlert {
  const service = `drill-${alert.toLowerCase()}-${severity}`
  return { alert, severity, service, series: series(service) }
}

const failing = (code: string, share: number) => (service: string) => [
  steady(count(service, 'OK'), 100 * (1 - share)),
  rising(count(service, code), 100 * share),
]

const slow = (edge: number) => (service: string) => [
  steady(count(service, 'OK'), 10),
  stalling(of(service, `${DURATION}_bucket`, `,route="/planted",code="OK",le="${edge.toFixed(1)}"`), 10),
]

const growing = (mibPerSecond: number) => (service: string) => [
  gauge(of(service, 'process_start_time_seconds'), 1_000, 1_000),
  {
    series: of(service, 'process_resident_memory_bytes'),
    calm: () => 100 * MIB,
    bad: (_seconds: number, badSeconds: number) => (100 + mibPerSecond * badSeconds) * MIB,
  },
]

const age = (series: string, nowMs: () => number, badSeconds: number): PlantedSeries => ({
  series,
  calm: () => nowMs() / 1_000,
  bad: () => nowMs() / 1_000 - badSeconds,
})

const chatFails = (share: number) => [
  steady(count('api-gateway', 'OK', '/v1/chat'), 1_000),
  rising(count('api-gateway', 'UNAVAILABLE', '/v1/chat'), 1_000 * share),
  // Fast answers, or the planted chats would count as slow ones.
  ...Object.values(THRESHOLDS.latencyP95Seconds).map((edge) =>
    steady(
      of('api-gateway', `${DURATION}_bucket`, `,route="/v1/chat",code="OK",le="${edge.toFixed(1)}"`),
      2_000,
    ),
  ),
]

const size = (path: string) => gauge(ops('sonia_disk_size_bytes', `,path="${path}"`), 100, 100)

/** Every alert that is not caused for real. */
export function plantedAlerts(nowMs: () => number): readonly PlantedAlert[] {
  return [...requestCases(), ...resourceCases(nowMs), ...watcherCases()]
}

const BOTH = 'drill-inhibition'
const STUCK_SECONDS = THRESHOLDS.voiceSessionAgeSeconds.warning + 60

/** Of one service: what pages, and what would be a ticket if the page did not hold it back. */
export const PAGE_AND_TICKET = {
  page: {
    alert: 'ServiceDegraded',
    severity: 'critical',
    service: BOTH,
    series: [gauge(of(BOTH, 'sonia_service_status'), 1, 0.5)],
  },
  ticket: {
    alert: 'VoiceSessionStuck',
    severity: 'warning',
    service: BOTH,
    series: [gauge(of(BOTH, 'sonia_voice_session_oldest_age_seconds'), 0, STUCK_SECONDS)],
  },
} as const satisfies Readonly<Record<string, PlantedAlert>>

function requestCases(): readonly PlantedAlert[] {
  return [
    perService('ServiceDegraded', 'critical', (s) => [gauge(of(s, 'sonia_service_status'), 1, 0.5)]),
    perService('RequestStuck', 'critical', (s) => [
      gauge(of(s, 'sonia_http_oldest_in_flight_seconds'), 0, 90),
    ]),
    perService('VoiceSessionStuck', 'warning', (s) => [
      gauge(of(s, 'sonia_voice_session_oldest_age_seconds'), 0, STUCK_SECONDS),
    ]),
    perService('HighErrorRatio', 'critical', failing('INTERNAL_ERROR', 0.3)),
    perService('HighErrorRatio', 'warning', failing('TIMEOUT', 0.03)),
    perService('HighLatency', 'critical', slow(THRESHOLDS.latencyP95Seconds.critical)),
    perService('HighLatency', 'warning', slow(THRESHOLDS.latencyP95Seconds.warning)),
    perService('DegradedAnswers', 'warning', failing('DEGRADED', 0.3)),
    perService('AuthFailures', 'warning', (s) => [
      rising(of(s, 'sonia_service_auth_failures_total', ',reason="missing"'), 20),
    ]),
    perService('PolicyRejected', 'critical', (s) => [gauge(of(s, 'sonia_policy_valid'), 1, 0)]),
    perService('UnexpectedErrorLines', 'warning', (s) => [
      rising(of(s, 'sonia_log_lines_total', ',level="ERROR"'), 1),
    ]),
    {
      alert: 'NoTraffic',
      severity: 'info',
      service: 'api-gateway',
      series: [
        stalling(
          of('api-gateway', 'sonia_http_requests_started_total', ',route="/planted",caller="external"'),
          10,
        ),
      ],
    },
    { alert: 'GateBudgetBurn', severity: 'critical', service: 'api-gateway', series: chatFails(0.1) },
    { alert: 'GateBudgetBurn', severity: 'warning', service: 'api-gateway', series: burnSlowly() },
  ]
}

function resourceCases(nowMs: () => number): readonly PlantedAlert[] {
  return [
    perService('MemoryGrowth', 'critical', growing(1)),
    // Between 50 and 100 MiB per hour.
    perService('MemoryGrowth', 'warning', growing(75 / HOUR)),
    {
      alert: 'DiskAlmostFull',
      severity: 'critical',
      service: 'host',
      series: [size('planted'), gauge(ops('sonia_disk_free_bytes', ',path="planted"'), 80, 5)],
    },
    {
      alert: 'DiskFillsUp',
      severity: 'warning',
      service: 'host',
      series: [
        size('planted-trend'),
        {
          series: ops('sonia_disk_free_bytes', ',path="planted-trend"'),
          calm: () => 45,
          bad: (_seconds, badSeconds) => Math.max(20, 45 - badSeconds),
        },
      ],
    },
    {
      alert: 'BackupTooOld',
      severity: 'critical',
      service: 'backup',
      series: [age(ops('sonia_backup_last_success_timestamp_seconds'), nowMs, 7 * HOUR)],
    },
    {
      alert: 'BackupNotVerified',
      severity: 'warning',
      service: 'backup',
      series: [age(ops('sonia_backup_last_verified_timestamp_seconds'), nowMs, 13 * HOUR)],
    },
  ]
}

function watcherCases(): readonly PlantedAlert[] {
  return [
    perService('TelemetryLost', 'warning', (s) => [
      rising(of(s, 'sonia_spans_dropped_total'), 5),
      gauge(of(s, 'sonia_log_lines_dropped_total'), 0, 0),
    ]),
    {
      alert: 'CollectorLosesSpans',
      severity: 'warning',
      service: 'collector',
      series: [
        rising(
          'otelcol_exporter_send_failed_spans_total{job="collector",instance="planted",exporter="file"}',
          5,
        ),
      ],
    },
    {
      alert: 'SoakBudgetSpent',
      severity: 'critical',
      service: 'soak',
      series: [
        gauge(ops('sonia_load_failed_responses'), 4, 5),
        gauge(ops('sonia_load_error_budget_responses'), 5, 5),
      ],
    },
    {
      alert: 'GateFailed',
      severity: 'warning',
      service: 'gates',
      series: [gauge(ops('sonia_gate_verdict', ',gate="planted"'), 1, 0)],
    },
    {
      alert: 'WatcherDown',
      severity: 'warning',
      service: 'alertmanager',
      series: [gauge('up{job="alertmanager",instance="planted"}', 1, 0)],
    },
    {
      alert: 'RuleEvaluationFails',
      severity: 'warning',
      service: 'prometheus',
      series: [rising('prometheus_rule_evaluation_failures_total{job="prometheus",instance="planted"}', 1)],
    },
    {
      alert: 'NotificationsFail',
      severity: 'warning',
      service: 'alertmanager',
      series: [rising('alertmanager_notifications_failed_total{job="alertmanager",instance="planted"}', 1)],
    },
  ]
}

/** Above a quarter of the budget in six hours (1 %), below a tenth in one (2.4 %); on series of its own. */
function burnSlowly(): readonly PlantedSeries[] {
  return [rising(count('api-gateway', 'TIMEOUT', '/v1/chat'), 17)]
}
