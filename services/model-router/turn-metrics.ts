import type { ServiceMetrics } from '#chassis/metrics.ts'
import type { Candidate } from './choice/candidate.ts'
import type { BreakerState } from './choice/guard.ts'
import type { ReasonCode } from './choice/reason-codes.ts'
import { BrokenAnswer, CallerGone, type FaultKind, UpstreamFault } from './upstream-fault.ts'
import type { Usage } from './wire.ts'

const OUTCOME_NAMES = ['ok', 'error', 'timeout', 'aborted', 'refused', 'unavailable'] as const
const TOKEN_KINDS = ['prompt', 'completion', 'prompt_estimated', 'completion_estimated']

export type Outcome = (typeof OUTCOME_NAMES)[number]

const OUTCOMES: Readonly<Record<FaultKind, Outcome>> = {
  refused: 'refused',
  rejected: 'refused',
  unauthorized: 'refused',
  unknown_model: 'refused',
  address_refused: 'refused',
  rate_limited: 'unavailable',
  busy: 'unavailable',
  breaker_open: 'unavailable',
  connect_timeout: 'timeout',
  first_token_timeout: 'timeout',
  complete_timeout: 'timeout',
  stalled: 'timeout',
  cut: 'error',
  malformed: 'error',
  server_error: 'error',
}

export interface ProviderLabels extends Record<string, string> {
  readonly provider: string
  readonly model: string
}

export function labelsOf(candidate: Candidate): ProviderLabels {
  return { provider: candidate.provider.id, model: candidate.modelName }
}

export function outcomeOf(error: unknown): Outcome {
  if (error instanceof CallerGone) return 'aborted'
  const fault = error instanceof BrokenAnswer ? error.fault : error
  return fault instanceof UpstreamFault ? OUTCOMES[fault.kind] : 'error'
}

/** The metrics of turns, found once: a look-up by name in each request would be paid for each time. */
export interface TurnMetrics {
  attempt(labels: ProviderLabels, outcome: Outcome, durationMs: number): void
  firstToken(labels: ProviderLabels, durationMs: number): void
  fallback(labels: ProviderLabels, fault: FaultKind): void
  choice(profile: string, reason: ReasonCode): void
  tokens(labels: ProviderLabels, usage: Usage & { readonly isEstimate: boolean }, usd: number): void
  inFlight(labels: ProviderLabels, change: 1 | -1): void
  breaker(labels: ProviderLabels, state: BreakerState): void
  /** Begins all series of a model at 0: `increase` does not see a counter that is born at 1. */
  begin(labels: ProviderLabels): void
}

const BREAKER_VALUES: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 0.5, open: 1 }

export function createTurnMetrics(metrics: ServiceMetrics): TurnMetrics {
  const requests = metrics.counter('sonia_model_requests_total')
  const durations = metrics.histogram('sonia_model_request_duration_seconds')
  const firstTokens = metrics.histogram('sonia_model_first_token_seconds')
  const fallbacks = metrics.counter('sonia_model_fallbacks_total')
  const choices = metrics.counter('sonia_model_choices_total')
  const tokens = metrics.counter('sonia_model_tokens_total')
  const costs = metrics.counter('sonia_model_cost_usd_total')
  const inFlight = metrics.gauge('sonia_model_in_flight')
  const breakers = metrics.gauge('sonia_model_breaker_state')
  return {
    attempt(labels, outcome, durationMs) {
      requests.inc({ ...labels, outcome })
      durations.observe({ ...labels, outcome }, durationMs / 1000)
    },
    firstToken: (labels, durationMs) => firstTokens.observe(labels, durationMs / 1000),
    fallback: (labels, fault) => fallbacks.inc({ ...labels, outcome: OUTCOMES[fault] }),
    choice: (profile, reason) => choices.inc({ profile, reason }),
    tokens(labels, { inputTokens, outputTokens, isEstimate }, usd) {
      const suffix = isEstimate ? '_estimated' : ''
      tokens.inc({ ...labels, kind: `prompt${suffix}` }, inputTokens)
      tokens.inc({ ...labels, kind: `completion${suffix}` }, outputTokens)
      costs.inc(labels, usd)
    },
    inFlight: (labels, change) => inFlight.inc(labels, change),
    breaker: (labels, state) => breakers.set(labels, BREAKER_VALUES[state]),
    begin(labels) {
      for (const outcome of OUTCOME_NAMES) requests.inc({ ...labels, outcome }, 0)
      for (const outcome of OUTCOME_NAMES.slice(1)) fallbacks.inc({ ...labels, outcome }, 0)
      for (const kind of TOKEN_KINDS) tokens.inc({ ...labels, kind }, 0)
      costs.inc(labels, 0)
      inFlight.set(labels, 0)
      breakers.set(labels, BREAKER_VALUES.closed)
    },
  }
}
