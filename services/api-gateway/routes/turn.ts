import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import { elapsedMs } from '../elapsed.ts'
import type { SessionStore } from '../state/session-store.ts'
import { runTurn, type TurnNeeds, type TurnOutcome } from '../turn/run-turn.ts'
import { MessageText, SessionId } from './fields.ts'

const Body = Type.Object(
  {
    user_id: Type.String({ minLength: 1, maxLength: 128 }),
    conversation_id: SessionId,
    input_text: MessageText,
    profile: Type.Optional(Type.String({ pattern: '^[a-z_]{1,40}$' })),
  },
  { additionalProperties: false },
)

const TURN_TIMEOUT_MS = 60_000

export interface TurnRouteNeeds extends TurnNeeds {
  readonly sessions: SessionStore
}

/** POST /v1/turn: answers 200 also when the turn failed; `ok` and `quality` say how it went. Unknown profile: 404. */
export function registerTurn(app: SoniaApp, needs: TurnRouteNeeds): void {
  app.post(
    '/v1/turn',
    { schema: { body: Body }, config: { priority: 'normal', timeoutMs: TURN_TIMEOUT_MS } },
    async (request) => {
      const {
        user_id: userId,
        conversation_id: conversationId,
        input_text: inputText,
        profile,
      } = request.body
      if (conversationId.startsWith('ses_')) needs.sessions.touch(conversationId)
      const startedAtMs = needs.clock.monotonicMs()
      const outcome = await runTurn({ userId, conversationId, inputText, profile }, needs, request.call)
      countAsItWent(request, outcome)
      return turnAnswer(outcome, elapsedMs(needs.clock, startedAtMs))
    },
  )
}

/** The answer is 200 whatever happened; metrics and log must not take a failed turn for a good one. */
function countAsItWent({ exchange }: FastifyRequest, { error, memory, fallbackUsed }: TurnOutcome): void {
  if (error !== null) exchange.code = error.code
  else if (memory.hasFailed) exchange.degrade('memory-engine did not answer')
  else if (fallbackUsed) exchange.degrade('the preferred model provider was not used')
}

function turnAnswer(outcome: TurnOutcome, totalMs: number) {
  const { latency, memory, toolCalls, toolResults, error } = outcome
  return {
    ok: error === null,
    turn_id: `turn_${randomBytes(8).toString('hex')}`,
    assistant_text: outcome.assistantText,
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls, tool_results: toolResults }),
    memory: { written: memory.written, retrieved_count: memory.retrievedCount },
    duration_ms: totalMs,
    quality: {
      completion_reason: outcome.completionReason,
      fallback_used: outcome.fallbackUsed,
      tool_calls_attempted: toolCalls.length,
      tool_calls_executed: toolResults.filter(({ status }) => status === 'executed').length,
    },
    latency: {
      memory_read_ms: latency.memoryReadMs,
      model_ms: latency.modelMs,
      tool_ms: latency.toolMs,
      memory_write_ms: latency.memoryWriteMs,
      total_ms: totalMs,
    },
    ...(error === null ? {} : { error }),
  }
}
