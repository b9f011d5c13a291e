import type { CallContext } from '#chassis/call-context.ts'
import type { Clock } from '#chassis/clock.ts'
import type { Logger } from '#chassis/logging.ts'
import { withSpan } from '#chassis/tracing.ts'
import type { Candidate } from './choice/candidate.ts'
import { estimateTokens } from './tokens.ts'
import type { AttemptResult, TurnObserver } from './turn/turn.ts'
import { labelsOf, type Outcome, outcomeOf, type TurnMetrics } from './turn-metrics.ts'
import type { Usage } from './wire.ts'

export interface TurnRecord extends TurnObserver {
  /** Milliseconds since the request that were not spent waiting for a provider. */
  overheadMs(): number
}

export interface TurnRecorder {
  begin(origin: TurnOrigin): TurnRecord
}

interface TurnOrigin {
  readonly call: CallContext
  /** On the monotonic clock. */
  readonly startedAtMs: number
  readonly profile: string
  /** Characters sent, to estimate tokens where a provider does not count them. */
  readonly inputCharacters: number
}

interface RecorderParts {
  readonly log: Logger
  readonly metrics: TurnMetrics
  readonly clock: Clock
  /** The operator's `log_content`: only then is a streamed answer logged, and the logger redacts it. */
  readonly logContent: boolean
}

/** Log, metrics, spans and budgets of turns. Ids, codes and counts only, unless the operator asked for text. */
export function createTurnRecorder(parts: RecorderParts): TurnRecorder {
  return { begin: (origin) => recordTurn(parts, origin) }
}

function recordTurn({ log, metrics, clock, logContent }: RecorderParts, origin: TurnOrigin): TurnRecord {
  const watch = createWaitWatch(clock)
  const { profile } = origin
  return {
    keepsText: logContent,
    passedOver(candidate, reason) {
      log.info(
        { operation: 'choose_model', ...labelsOf(candidate), reason_code: reason },
        'candidate passed over',
      )
    },
    attempt: ({ candidate }, run) =>
      withSpan(`chat ${candidate.modelName}`, spanAttributes(candidate), origin.call, async () => {
        const stop = watch.start()
        metrics.inFlight(labelsOf(candidate), 1)
        let outcome: Outcome = 'error'
        try {
          const result = await run()
          outcome = 'ok'
          return result
        } catch (error) {
          outcome = outcomeOf(error)
          throw error
        } finally {
          metrics.inFlight(labelsOf(candidate), -1)
          metrics.attempt(labelsOf(candidate), outcome, stop())
        }
      }),
    firstToken: ({ candidate }) => metrics.firstToken(labelsOf(candidate), watch.currentMs()),
    succeeded({ candidate, reason }, result) {
      const usage = usageOf(result, origin)
      metrics.choice(profile, reason)
      const usd = costUsd(candidate, usage)
      metrics.tokens(labelsOf(candidate), usage, usd)
      candidate.budget.spend({ usd, tokens: usage.inputTokens + usage.outputTokens }, clock.nowMs())
      const content = result.text === null ? {} : { content: result.text }
      log.info(
        { operation: 'choose_model', ...labelsOf(candidate), profile, reason_code: reason, ...content },
        'model answered',
      )
    },
    failed({ candidate }, fault) {
      metrics.fallback(labelsOf(candidate), fault.kind)
      log.warn(
        { operation: 'call_model', ...labelsOf(candidate), fault: fault.kind, detail: fault.message },
        'model provider failed',
      )
    },
    nobody(faults) {
      metrics.choice(profile, 'NO_PROVIDER')
      log.warn(
        { operation: 'choose_model', profile, reason_code: 'NO_PROVIDER', faults },
        'no model provider can answer',
      )
    },
    overheadMs: () => Math.max(0, clock.monotonicMs() - origin.startedAtMs - watch.totalMs()),
  }
}

/** Adds up the time in which the router waits for providers; attempts do not overlap. */
function createWaitWatch(clock: Clock) {
  let finishedMs = 0
  let startedAtMs: number | null = null
  const currentMs = () => (startedAtMs === null ? 0 : clock.monotonicMs() - startedAtMs)
  return {
    currentMs,
    totalMs: () => finishedMs + currentMs(),
    start() {
      startedAtMs = clock.monotonicMs()
      return () => {
        const durationMs = currentMs()
        finishedMs += durationMs
        startedAtMs = null
        return durationMs
      }
    },
  }
}

/** Semantic conventions for generative AI; never the messages. */
function spanAttributes(candidate: Candidate) {
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': candidate.provider.id,
    'gen_ai.request.model': candidate.modelName,
  }
}

function usageOf({ usage, characters }: AttemptResult, origin: TurnOrigin): Usage & { isEstimate: boolean } {
  if (usage !== null) return { ...usage, isEstimate: false }
  return {
    inputTokens: estimateTokens(origin.inputCharacters),
    outputTokens: estimateTokens(characters),
    isEstimate: true,
  }
}

function costUsd({ model }: Candidate, { inputTokens, outputTokens }: Usage): number {
  const micro = inputTokens * model.usdPerMillionInputTokens + outputTokens * model.usdPerMillionOutputTokens
  return micro / 1_000_000
}
