import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ok } from '#chassis/envelope.ts'
import { ServiceError } from '#chassis/errors.ts'
import { type ChatAnswer, type ChatNeeds, type ChatRequest, chat } from '../chat.ts'
import { createEventStream, EVENT_STREAM_HEADERS } from '../sse.ts'
import type { SessionStore } from '../state/session-store.ts'
import { givenTwice, MessageText, ModelName, optionalBody, SessionId } from './fields.ts'

const FIELDS = {
  message: Type.Optional(MessageText),
  text: Type.Optional(MessageText),
  session_id: Type.Optional(SessionId),
  model: Type.Optional(ModelName),
  stream: Type.Optional(Type.Boolean()),
}

export interface ChatRouteNeeds extends ChatNeeds {
  readonly sessions: SessionStore
}

/** POST /v1/chat: fields as JSON or as query parameters; `stream: true` answers with server-sent events. */
export function registerChat(app: SoniaApp, needs: ChatRouteNeeds): void {
  app.post(
    '/v1/chat',
    {
      schema: {
        querystring: Type.Object(FIELDS, { additionalProperties: false }),
        body: optionalBody(Type.Object(FIELDS, { additionalProperties: false })),
      },
      config: { priority: 'normal' },
    },
    async (request, reply) => {
      const fields = fieldsOf(request.query, request.body)
      const chatRequest = requestOf(fields, needs.sessions)
      if (fields.stream === true) return streamChat(chatRequest, needs, request, reply)
      const { data, warning } = await chat(chatRequest, needs, request.call)
      return ok(request, data, warning)
    },
  )
}

interface ChatFields {
  readonly message?: string
  readonly text?: string
  readonly session_id?: string
  readonly model?: string
  readonly stream?: boolean
}

/** From one place, and the message under one name: which of two would count is nothing to guess. */
function fieldsOf(query: ChatFields, body: ChatFields | null): ChatFields {
  const inQuery = Object.keys(query)
  const inBody = Object.keys(body ?? {})
  if (inQuery.length > 0 && inBody.length > 0) {
    throw givenTwice('The fields of a chat come in the query or in the body, not in both', [
      ...inQuery.map((name) => `querystring.${name}`),
      ...inBody.map((name) => `body.${name}`),
    ])
  }
  const fields = inQuery.length > 0 ? query : (body ?? {})
  if (fields.message !== undefined && fields.text !== undefined) {
    const place = inQuery.length > 0 ? 'querystring' : 'body'
    const names = [`${place}.message`, `${place}.text`]
    throw givenTwice('message and text are two names of one field: give one of them', names)
  }
  return fields
}

function requestOf(fields: ChatFields, sessions: SessionStore): ChatRequest {
  const message = fields.message ?? fields.text
  if (message === undefined) {
    throw new ServiceError('INVALID_ARGUMENT', 'message (or text) is required', {
      unprocessable: true,
      details: { field: 'body.message', problem: 'required' },
    })
  }
  if (fields.session_id?.startsWith('ses_') === true) sessions.touch(fields.session_id)
  return { message, sessionId: fields.session_id, model: fields.model }
}

/** A failure before the first piece is an ordinary error answer; after it, a typed `error` event. */
async function streamChat(
  chatRequest: ChatRequest,
  needs: ChatNeeds,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const events = createEventStream(request.call)
  const begun = Promise.withResolvers<void>()
  const finished = chat(chatRequest, needs, request.call, (text) => {
    const sent = events.send('delta', { text })
    begun.resolve()
    return sent
  })
  void finished.then(
    ({ data, warning }: ChatAnswer) => {
      if (warning !== undefined) request.exchange.degrade(warning.message)
      events.end('done', warning === undefined ? data : { ...data, warning })
      begun.resolve()
    },
    (error: unknown) => {
      begun.reject(error)
      events.end('error', errorEvent(error, request.call.correlationId))
    },
  )
  await begun.promise
  return reply.headers(EVENT_STREAM_HEADERS).send(events.body)
}

function errorEvent(error: unknown, correlationId: string) {
  const known =
    error instanceof ServiceError ? error : new ServiceError('INTERNAL_ERROR', 'The answer failed')
  return { code: known.code, message: known.message, correlation_id: correlationId }
}
