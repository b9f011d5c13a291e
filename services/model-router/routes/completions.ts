import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SoniaApp } from '#chassis/define-service.ts'
import { completeTurn } from '../turn/complete-turn.ts'
import { ChatCompletionRequest } from '../wire.ts'
import { streamReply } from './stream-reply.ts'
import {
  asCallerSees,
  now,
  soniaHeaders,
  soniaNote,
  startTurn,
  TURN_TIMEOUT_MS,
  type TurnParts,
} from './turns.ts'

export function registerCompletions(app: SoniaApp, parts: TurnParts): void {
  app.route({
    method: 'POST',
    url: '/v1/chat/completions',
    schema: { body: ChatCompletionRequest },
    config: { timeoutMs: TURN_TIMEOUT_MS },
    handler: (request, reply) =>
      request.body.stream === true
        ? streamReply(parts, request, reply, request.body)
        : completeReply(parts, request, reply, request.body),
  })
}

async function completeReply(
  parts: TurnParts,
  request: FastifyRequest,
  reply: FastifyReply,
  body: ChatCompletionRequest,
) {
  const { turn, record } = startTurn(parts, request, body)
  const { choice, completion } = await asCallerSees(
    request,
    completeTurn(turn, { observer: record, now: now(parts.clock) }),
  )
  const overheadMs = record.overheadMs()
  reply.headers(soniaHeaders(choice, overheadMs))
  return { ...completion.body, sonia: soniaNote(choice, overheadMs) }
}
