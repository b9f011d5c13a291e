import { Type } from 'typebox'
import type { Caller } from '#chassis/call-context.ts'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ok } from '#chassis/envelope.ts'
import { ServiceError } from '#chassis/errors.ts'
import { maySeeSession, type Session, sessionView } from '../session/session.ts'
import type { SessionBook } from '../session/session-book.ts'

/** No control characters, line separators and lone surrogates: nothing that a log, a file or a screen would not show. */
const UserId = Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}]+$' })
const Id = Type.String({ minLength: 1, maxLength: 64 })
const Metadata = Type.Record(Type.String(), Type.String({ maxLength: 1024 }), { maxProperties: 32 })
const Reason = Type.String({ maxLength: 200 })

const StartQuery = Type.Object({ user_id: Type.Optional(UserId) }, { additionalProperties: false })
const StartBody = Type.Object(
  { user_id: Type.Optional(UserId), metadata: Type.Optional(Metadata) },
  { additionalProperties: false },
)
const StopFields = Type.Object(
  { session_id: Type.Optional(Id), reason: Type.Optional(Reason) },
  { additionalProperties: false },
)

/** The session is over all the same; should the service restart before the file can be removed, it waits again. */
const FILE_LEFT = {
  code: 'DEGRADED',
  message: 'The session is closed; its file could not be removed yet',
} as const

/** The life of a session over HTTP; its conversation is the WebSocket's. */
export function registerSessionRoutes(app: SoniaApp, book: SessionBook): void {
  app.post(
    '/session/start',
    {
      schema: { querystring: StartQuery, body: Type.Union([StartBody, Type.Null()]) },
      config: { priority: 'high' },
    },
    async (request) => {
      const userId = request.body?.user_id ?? request.query.user_id ?? null
      const { caller } = request.call
      const owner = caller.kind === 'external' ? caller.principal : null
      const session = await book.open({ userId, owner, metadata: request.body?.metadata ?? {} })
      return ok(request, sessionView(session))
    },
  )
  app.get(
    '/session/:id',
    { schema: { params: Type.Object({ id: Id }) }, config: { priority: 'high' } },
    async (request) => ok(request, sessionView(findOwn(request.params.id, request.call.caller, book))),
  )
  app.post(
    '/session/stop',
    {
      schema: { querystring: StopFields, body: Type.Union([StopFields, Type.Null()]) },
      config: { priority: 'high' },
    },
    async (request) => {
      const id = request.body?.session_id ?? request.query.session_id
      if (id === undefined) {
        throw new ServiceError('INVALID_ARGUMENT', 'session_id is required', { unprocessable: true })
      }
      const session = findOwn(id, request.call.caller, book)
      book.close(session, 'clean')
      const isSettled = await book.settled(session)
      return ok(request, sessionView(session), isSettled ? undefined : FILE_LEFT)
    },
  )
}

/** The session of another principal is answered as none at all: whether it exists is not the asker's business. */
function findOwn(id: string, caller: Caller, book: SessionBook): Session {
  const session = book.find(id)
  if (!maySeeSession(caller, session.record)) throw new ServiceError('NOT_FOUND', 'There is no such session')
  return session
}
