import { SERVICE_NAMES } from '#catalog'
import { ERROR_TABLE } from './errors.ts'
import { geometricBuckets, type MetricDefinition } from './metric-definition.ts'

/**
 * Every metric of the services, as data: the only place where a name, label, unit or bucket is spelled.
 * The reference page is generated from it, and a test compares it with what a running stack exposes.
 */
const REQUEST_BUCKETS = geometricBuckets(0.001, 60, 60, [0.5, 2, 5])
const QUERY_BUCKETS = geometricBuckets(0.00005, 5, 30, [0.1, 1])

const ALL = SERVICE_NAMES
const CALLERS = [...SERVICE_NAMES, 'external'] as const
/** `CLIENT_ABORTED`: the client left before an answer; not an error code, nobody received it. */
export const CLIENT_ABORTED = 'CLIENT_ABORTED'
export const RESULT_LABELS = [...Object.keys(ERROR_TABLE), CLIENT_ABORTED]
export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
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
  'host',
  'origin',
] as const
const MODEL_OUTCOMES = ['ok', 'error', 'timeout', 'aborted', 'refused', 'unavailable'] as const

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
  {
    name: 'sonia_model_requests_total',
    type: 'counter',
    help: 'Requests to model providers',
    labels: { provider: null, model: null, outcome: MODEL_OUTCOMES },
    services: ['model-router'],
  },
  {
    name: 'sonia_model_request_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time of a request to a model provider, to its last token',
    labels: { provider: null, model: null, outcome: MODEL_OUTCOMES },
    services: ['model-router'],
    buckets: REQUEST_BUCKETS,
  },
  {
    name: 'sonia_model_first_token_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time to the first token of a streamed answer',
    labels: { provider: null, model: null },
    services: ['model-router'],
    buckets: REQUEST_BUCKETS,
  },
  {
    name: 'sonia_model_tokens_total',
    type: 'counter',
    help: 'Tokens read and written by model providers, as they report them',
    labels: { provider: null, model: null, kind: ['prompt', 'completion'] },
    services: ['model-router'],
  },
  {
    name: 'sonia_model_fallbacks_total',
    type: 'counter',
    help: 'Requests that another provider or model had to take over from this one',
    labels: { provider: null, model: null, outcome: MODEL_OUTCOMES },
    services: ['model-router'],
  },
  {
    name: 'sonia_model_choices_total',
    type: 'counter',
    help: 'Choices of a provider, by profile and reason code',
    labels: {
      profile: ['chat_low_latency', 'reasoning_deep', 'tool_execution', 'memory_ops'],
      reason: [
        'PROFILE_MATCH',
        'FALLBACK_USED',
        'PROVIDER_UNHEALTHY',
        'QUARANTINED',
        'BUDGET_EXCEEDED',
        'NO_PROVIDER',
      ],
    },
    services: ['model-router'],
  },
  {
    name: 'sonia_memory_db_query_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time of one database operation',
    labels: { operation: null },
    services: ['memory-engine'],
    buckets: QUERY_BUCKETS,
  },
  {
    name: 'sonia_memory_items',
    type: 'gauge',
    help: 'Memories stored',
    labels: {},
    services: ['memory-engine'],
  },
  {
    name: 'sonia_memory_searches_total',
    type: 'counter',
    help: 'Searches, by the way they were answered',
    labels: { mode: ['lexical', 'hybrid'] },
    services: ['memory-engine'],
  },
  {
    name: 'sonia_voice_sessions_created_total',
    type: 'counter',
    help: 'Voice sessions created; created = closed + active',
    labels: {},
    services: ['pipecat'],
  },
  {
    name: 'sonia_voice_sessions_closed_total',
    type: 'counter',
    help: 'Voice sessions closed, by reason',
    labels: { reason: ['clean', 'idle', 'expired', 'error', 'overflow', 'shutdown', 'restart'] },
    services: ['pipecat'],
  },
  {
    name: 'sonia_voice_sessions_active',
    type: 'gauge',
    help: 'Voice sessions open now',
    labels: {},
    services: ['pipecat'],
  },
  {
    name: 'sonia_voice_session_oldest_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Age of the oldest open voice session; 0 without one',
    labels: {},
    services: ['pipecat'],
  },
  {
    name: 'sonia_tool_executions_total',
    type: 'counter',
    help: 'Tool executions, by outcome',
    labels: {
      tool: ['shell.run', 'file.read', 'file.write', 'browser.open', 'other'],
      outcome: ['executed', 'error', 'timeout', 'refused'],
    },
    services: ['openclaw'],
  },
  {
    name: 'sonia_tool_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time of one tool execution',
    labels: {
      tool: ['shell.run', 'file.read', 'file.write', 'browser.open', 'other'],
      outcome: ['executed', 'error', 'timeout', 'refused'],
    },
    services: ['openclaw'],
    buckets: REQUEST_BUCKETS,
  },
  {
    name: 'sonia_approvals_total',
    type: 'counter',
    help: 'Approval requests by what became of them',
    labels: { decision: ['requested', 'approved', 'denied', 'redeemed', 'expired', 'voided'] },
    services: ['eva-os'],
  },
  {
    name: 'sonia_approvals_pending',
    type: 'gauge',
    help: 'Approval requests that wait for a person',
    labels: {},
    services: ['eva-os'],
  },
  {
    name: 'sonia_policy_decisions_total',
    type: 'counter',
    help: 'Policy decisions by outcome and tier of the tool',
    labels: {
      decision: ['approved', 'approval_required', 'denied'],
      tier: ['TIER_0_READONLY', 'TIER_1_COMPUTE', 'TIER_2_CREATE', 'TIER_3_DESTRUCTIVE', 'UNKNOWN'],
    },
    services: ['eva-os'],
  },
] as const satisfies readonly MetricDefinition[]

export type MetricName = (typeof METRICS)[number]['name']
type NamesOf<T extends MetricDefinition['type']> = Extract<(typeof METRICS)[number], { type: T }>['name']
export type CounterName = NamesOf<'counter'>
export type GaugeName = NamesOf<'gauge'>
export type HistogramName = NamesOf<'histogram'>
