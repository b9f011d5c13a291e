import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { askPrometheus, type Sample } from '../prometheus-query.ts'
import { FAILURE_CODES } from '../thresholds.ts'

export type ServiceState = 'OK' | 'DEGRADED' | 'DOWN' | 'UNKNOWN'

/** One service on the status page; null where Prometheus has no answer. */
export interface ServiceFigures {
  readonly service: ServiceName
  readonly state: ServiceState
  readonly errors: number | null
  readonly p95Seconds: number | null
  /** What this service counts: requests, searches, sessions, executions, approvals. */
  readonly work: number | null
  /** Voice sessions open now; pipecat alone. */
  readonly active: number | null
  readonly memoryBytes: number | null
}

export interface FiringAlert {
  readonly name: string
  readonly service: string
  readonly severity: string
}

export interface StatusFigures {
  /** Since the youngest of the six processes started. */
  readonly uptimeSeconds: number | null
  readonly errorRatio: number | null
  readonly p95Seconds: number | null
  readonly services: readonly ServiceFigures[]
  readonly alerts: readonly FiringAlert[] | null
  /** Seconds since the epoch. */
  readonly nextBackupAt: number | null
  readonly lastVerifiedBackupAt: number | null
}

const DURATION = 'sonia_http_request_duration_seconds'
const FAILED = `code=~"${FAILURE_CODES.join('|')}"`
const WINDOW = '5m'

const QUERIES = {
  uptime: 'time() - max(process_start_time_seconds{job="sonia"})',
  errorRatio: `(sum(rate(${DURATION}_count{job="sonia",${FAILED}}[${WINDOW}])) or vector(0)) / (sum(rate(${DURATION}_count{job="sonia"}[${WINDOW}])) > 0)`,
  p95: `histogram_quantile(0.95, sum by (le) (rate(${DURATION}_bucket{job="sonia",service="api-gateway"}[${WINDOW}])))`,
  up: 'up{job="sonia"}',
  state: 'sonia_service_status{job="sonia"}',
  requests: `sum by (service) (${DURATION}_count{job="sonia"})`,
  errors: `sum by (service) (${DURATION}_count{job="sonia",${FAILED}})`,
  serviceP95: `histogram_quantile(0.95, sum by (service, le) (rate(${DURATION}_bucket{job="sonia"}[${WINDOW}])))`,
  searches: 'sum by (service) (sonia_memory_searches_total)',
  sessions: 'sum by (service) (sonia_voice_sessions_created_total)',
  active: 'sum by (service) (sonia_voice_sessions_active)',
  executions: 'sum by (service) (sonia_tool_executions_total)',
  approvals: 'sum by (service) (sonia_approvals_total{decision="requested"})',
  memory: 'process_resident_memory_bytes{job="sonia"}',
  alerts: 'ALERTS{alertstate="firing",alertname!="Watchdog"}',
  nextBackup: 'sonia_backup_next_timestamp_seconds',
  verifiedBackup: 'sonia_backup_last_verified_timestamp_seconds',
} as const

type Answers = Readonly<Record<keyof typeof QUERIES, readonly Sample[]>>

/** Which of the answers a service's own count is. */
const WORK: Readonly<Record<ServiceName, keyof typeof QUERIES>> = {
  'api-gateway': 'requests',
  'model-router': 'requests',
  'memory-engine': 'searches',
  pipecat: 'sessions',
  openclaw: 'executions',
  'eva-os': 'approvals',
}

/** Asks Prometheus for everything the status page shows; throws when it does not answer. */
export async function askFigures(prometheusUrl: string): Promise<StatusFigures> {
  const pairs = await Promise.all(
    Object.entries(QUERIES).map(
      async ([key, query]) => [key, await askPrometheus(prometheusUrl, query)] as const,
    ),
  )
  return figuresOf(Object.fromEntries(pairs) as unknown as Answers)
}

export function figuresOf(answers: Answers): StatusFigures {
  return {
    uptimeSeconds: single(answers.uptime),
    errorRatio: single(answers.errorRatio),
    p95Seconds: single(answers.p95),
    services: SERVICE_NAMES.map((service) => serviceFigures(service, answers)),
    alerts: answers.alerts.map(({ labels }) => ({
      name: labels['alertname'] ?? '',
      service: labels['service'] ?? '',
      severity: labels['severity'] ?? '',
    })),
    nextBackupAt: single(answers.nextBackup),
    lastVerifiedBackupAt: single(answers.verifiedBackup),
  }
}

function serviceFigures(service: ServiceName, answers: Answers): ServiceFigures {
  const of = (key: keyof typeof QUERIES) => valueOf(answers[key], service)
  const requests = of('requests')
  return {
    service,
    state: stateOf(of('up'), of('state')),
    // No failure yet is 0, but only where requests are counted at all.
    errors: of('errors') ?? (requests === null ? null : 0),
    p95Seconds: of('serviceP95'),
    work: of(WORK[service]),
    active: of('active'),
    memoryBytes: of('memory'),
  }
}

function stateOf(up: number | null, status: number | null): ServiceState {
  if (up === null) return 'UNKNOWN'
  if (up !== 1 || status === 0) return 'DOWN'
  return status !== null && status < 1 ? 'DEGRADED' : 'OK'
}

function valueOf(samples: readonly Sample[], service: ServiceName): number | null {
  const value = samples.find((sample) => sample.labels['service'] === service)?.value
  return value === undefined || Number.isNaN(value) ? null : value
}

function single(samples: readonly Sample[]): number | null {
  const value = samples[0]?.value
  return value === undefined || Number.isNaN(value) ? null : value
}
