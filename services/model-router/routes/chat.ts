import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import { completeTurn } from '../turn/complete-turn.ts'
import { type ChatCompletionRequest, ChatMessage, isRecord } from '../wire.ts'
import { profileOfTask, TASK_TYPES } from './task-types.ts'
import {
  asCallerSees,
  now,
  soniaHeaders,
  soniaNote,
  startTurn,
  TURN_TIMEOUT_MS,
  type TurnParts,
} from './turns.ts'

const Body = Type.Object(
  {
    task_type: Type.Enum(TASK_TYPES),
    messages: Type.Array(ChatMessage, { minItems: 1, maxItems: 1000 }),
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
    max_tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000 })),
  },
  { additionalProperties: false },
)

/** The short form for callers that want text for a kind of work and no wire format. */
export function registerChat(app: SoniaApp, parts: TurnParts): void {
  app.route({
    method: 'POST',
    url: '/chat',
    schema: { body: Body },
    config: { timeoutMs: TURN_TIMEOUT_MS },
    async handler(request, reply) {
      const { task_type: taskType, ...rest } = request.body
      const body: ChatCompletionRequest = { ...rest, sonia: { profile: profileOfTask(taskType) } }
      const { turn, record } = startTurn(parts, request, body)
      const { choice, completion } = await asCallerSees(
        request,
        completeTurn(turn, { observer: record, now: now(parts.clock) }),
      )
      const overheadMs = record.overheadMs()
      reply.headers(soniaHeaders(choice, overheadMs))
      return {
        task_type: taskType,
        profile: turn.plan.profile.name,
        response: contentOf(completion.body),
        ...soniaNote(choice, overheadMs),
        usage: completion.body['usage'] ?? null,
      }
    },
  })
}

function contentOf(body: Record<string, unknown>): string {
  const [first] = Array.isArray(body['choices']) ? (body['choices'] as unknown[]) : []
  const message = isRecord(first) && isRecord(first['message']) ? first['message'] : {}
  return typeof message['content'] === 'string' ? message['content'] : ''
}
