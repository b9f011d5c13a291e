import { CALLER_NAMES, SERVICE_NAMES } from '#catalog'
import { ERROR_TABLE } from './errors.ts'
import { DOMAIN_METRICS } from './domain-metrics.ts'
import { type MetricDefinition, REQUEST_BUCKETS } from './metric-definition.ts'

const ALL = SERVICE_NAMES
const CALLERS = [...CALLER_NAMES, 'external'] as const
/** `CLIENT_ABORTED`: the client left before an answer; not an error code, nobody received it. */
export const CLIENT_ABORTED = 'CLIENT_ABORTED'
const RESULT_LABELS = [...Object.keys(ERROR_TABLE), CLIENT_ABORTED]
const LOG_LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
export const AUTH_FAILURE_REASONS = [
  'missing',
  'malformed',
  'bad_signature',
  'expired',
  'unknown_key',
  'wrong_audience',
  'wrong_issuer',
  'caller_not_allowed',
  'api_key',
  'operator_key',
  'bootstrap_secret',
  'host',
  'origin',
] as const

/**
 * Every metric of the services, as data: the only place where a name, label, unit or bucket is spelled (what the six do
 * of their own is in domain-metrics.ts). The reference page is generated from it, and a test compares it with what a
 * running stack exposes.
 */
export const METRICS = [
  {
    name: 'sonia_http_request_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time from the arrival of a request to the end of its answer',
    labels: { route: null, method: null, code: RESULT_LABELS },
    services: ALL,
    buckets: REQUEST_BUCKETS,
    exemplars: true,
  },
  {
    name: 'sonia_http_requests_started_total',
    type: 'counter',
    help: 'Requests begun, without health, metrics and WebSocket upgrades',
    labels: { route: null, caller: CALLERS },
    services: ALL,
  },
  {
    name: 'sonia_http_requests_finished_total',
    type: 'counter',
    help: 'Requests ended, whatever the outcome; started = finished + in flight',
    labels: { route: null, caller: CALLERS },
    services: ALL,
  },
  {
    name: 'sonia_http_requests_in_flight',
    type: 'gauge',
    help: 'Requests begun and not yet ended',
    labels: { route: null, caller: CALLERS },
    services: ALL,
  },
  {
    name: 'sonia_http_oldest_in_flight_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Age of the oldest request in flight; 0 without one',
    labels: {},
    services: ALL,
  },
  {
    name: 'sonia_log_lines_total',
    type: 'counter',
    help: 'Log lines written, by level',
    labels: { level: LOG_LEVELS },
    services: ALL,
  },
  {
    name: 'sonia_log_lines_dropped_total',
    type: 'counter',
    help: 'Log lines lost: queue full or write failed',
    labels: {},
    services: ALL,
  },
  {
    name: 'sonia_spans_dropped_total',
    type: 'counter',
    help: 'Spans lost: queue full or the Collector did not take them',
    labels: {},
    services: ALL,
  },
  {
    name: 'sonia_service_status',
    type: 'gauge',
    unit: 'ratio',
    help: '1 OK, 0.5 DEGRADED, 0 down or draining',
    labels: {},
    services: ALL,
  },
  {
    name: 'sonia_build_info',
    type: 'gauge',
    help: 'Always 1; the version that runs',
    labels: { version: null, node: null },
    services: ALL,
  },
  {
    name: 'sonia_run_info',
    type: 'gauge',
    help: 'Always 1; the run that this process belongs to',
    labels: { run_id: null },
    services: ALL,
  },
  {
    name: 'sonia_service_auth_failures_total',
    type: 'counter',
    help: 'Requests refused at the door',
    labels: { reason: AUTH_FAILURE_REASONS },
    services: ALL,
  },
  {
    name: 'sonia_breaker_state',
    type: 'gauge',
    help: 'Circuit breaker towards a destination: 0 closed, 0.5 half open, 1 open',
    labels: { destination: SERVICE_NAMES },
    services: ALL,
  },
  {
    name: 'sonia_client_retries_total',
    type: 'counter',
    help: 'Calls onward that were repeated',
    labels: { destination: SERVICE_NAMES },
    services: ALL,
  },
  ...DOMAIN_METRICS,
] as const satisfies readonly MetricDefinition[]

type NamesOf<T extends MetricDefinition['type']> = Extract<(typeof METRICS)[number], { type: T }>['name']
export type CounterName = NamesOf<'counter'>
export type GaugeName = NamesOf<'gauge'>
export type HistogramName = NamesOf<'histogram'>
