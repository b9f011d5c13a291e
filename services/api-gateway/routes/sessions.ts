import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import type { Conversations } from '../conversation.ts'
import type { SessionStore } from '../state/session-store.ts'
import { optionalBody } from './fields.ts'

const METADATA_FIELDS_MAX = 32

const Body = Type.Object(
  {
    user_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    metadata: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: 1024 }), { maxProperties: METADATA_FIELDS_MAX }),
    ),
  },
  { additionalProperties: false },
)

const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) })

/** Conversations as a resource; they outlive a restart of the gateway. */
export function registerSessions(app: SoniaApp, sessions: SessionStore, conversations: Conversations): void {
  app.post('/v1/sessions', { schema: { body: optionalBody(Body) } }, async (request, reply) => {
    const session = sessions.create(request.body?.user_id ?? null, request.body?.metadata ?? {})
    return reply.status(200).send(session)
  })
  app.get('/v1/sessions/:id', { schema: { params: Params } }, async (request) =>
    sessions.get(request.params.id),
  )
  app.delete('/v1/sessions/:id', { schema: { params: Params } }, async (request) => {
    sessions.remove(request.params.id)
    conversations.forget(request.params.id)
    return { session_id: request.params.id, state: 'CLOSED' }
  })
}
