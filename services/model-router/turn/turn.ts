import { type CallContext, whenAborted } from '#chassis/call-context.ts'
import type { Candidate } from '../choice/candidate.ts'
import type { Plan } from '../choice/profiles.ts'
import type { ReasonCode } from '../choice/reason-codes.ts'
import type { ModelCall, Timeouts } from '../provider.ts'
import type { UpstreamFault } from '../upstream-fault.ts'
import type { ChatCompletionRequest, Usage } from '../wire.ts'

/** One request to be answered. */
export interface Turn {
  readonly plan: Plan
  readonly request: ChatCompletionRequest
  readonly call: CallContext
}

/** Who answers, and why it is this one. */
export interface Choice {
  readonly candidate: Candidate
  readonly reason: ReasonCode
}

export interface AttemptResult {
  readonly usage: Usage | null
  /** Characters of the answer, to estimate tokens where none were counted. */
  readonly characters: number
  /** A streamed answer, where the observer asked for it to be kept; the chassis knows the others. */
  readonly text: string | null
}

/** What is told about a turn while it runs: to the log, the metrics and the trace. */
export interface TurnObserver {
  /** Text is kept and handed over only where the operator switched `log_content` on. */
  readonly keepsText: boolean
  passedOver(candidate: Candidate, reason: ReasonCode): void
  /** Wraps one attempt in its span and durations. */
  attempt<T>(choice: Choice, run: () => Promise<T>): Promise<T>
  firstToken(choice: Choice): void
  succeeded(choice: Choice, result: AttemptResult): void
  failed(choice: Choice, fault: UpstreamFault): void
  nobody(faults: number): void
}

/** The call for one candidate: the profile's limits applied, the router's own fields taken out. */
export function modelCall(turn: Turn, candidate: Candidate): ModelCall {
  const { messages, sonia, model: _asked, ...body } = turn.request
  const { settings } = turn.plan.profile
  return {
    model: candidate.modelName,
    body: { ...body, ...loweredLimits(body, settings.max_output_tokens) },
    outputTokensMax: outputTokensMax(body, settings.max_output_tokens),
    messages,
    context: sonia?.context ?? [],
    timeouts: timeoutsOf(settings),
    correlationId: turn.call.correlationId,
    onAbort: (listener) => whenAborted(turn.call, listener),
  }
}

export function timeoutsOf(settings: Plan['profile']['settings']): Timeouts {
  return { firstTokenMs: settings.first_token_ms, idleMs: settings.idle_ms, completeMs: settings.complete_ms }
}

type Limits = Pick<ChatCompletionRequest, 'max_tokens' | 'max_completion_tokens'>

function outputTokensMax({ max_tokens: older, max_completion_tokens: newer }: Limits, limit: number): number {
  return Math.min(newer ?? older ?? limit, limit)
}

/** Lowers the limits the client set, under the names the client used. */
function loweredLimits({ max_tokens: older, max_completion_tokens: newer }: Limits, limit: number): Limits {
  return {
    ...(typeof older === 'number' ? { max_tokens: Math.min(older, limit) } : {}),
    ...(typeof newer === 'number' ? { max_completion_tokens: Math.min(newer, limit) } : {}),
  }
}
