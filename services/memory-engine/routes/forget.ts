import { Type } from 'typebox'
import type { CallContext } from '#chassis/call-context.ts'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ServiceError } from '#chassis/errors.ts'
import { assertWellFormed } from '../memory.ts'
import type { MemoryStore } from '../memory-store.ts'
import type { ForgetBy } from '../writing/write-job.ts'
import { SessionId } from './schemas.ts'

const IDS_ANSWERED_MAX = 1000
/** A long conversation takes minutes, in which others write, too. */
const FORGET_TIMEOUT_MS = 600_000

/** POST /forget: what it names is gone afterwards from table, index, vectors, free pages and log. */
export function addForgetRoute({
  app,
  store,
}: {
  readonly app: SoniaApp
  readonly store: MemoryStore
}): void {
  const schema = {
    body: Type.Object(
      {
        id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
        session_id: Type.Optional(SessionId),
        query: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
      },
      { additionalProperties: false },
    ),
    response: {
      200: Type.Object({
        status: Type.Literal('forgotten'),
        count: Type.Integer(),
        ids: Type.Array(Type.String()),
        erased: Type.Boolean(),
      }),
    },
  }
  app.post('/forget', { schema, config: { timeoutMs: FORGET_TIMEOUT_MS } }, async ({ body, call }) => {
    const by = target(body)
    const forgotten = await forgetAll(by, store, call)
    if (by.kind === 'id' && forgotten.count === 0) {
      throw new ServiceError('NOT_FOUND', 'No memory has this id')
    }
    return { status: 'forgotten' as const, ...forgotten }
  })
}

/** Part after part, each durable: what is broken off in between is finished by the same request. */
async function forgetAll(by: ForgetBy, store: MemoryStore, call: CallContext) {
  const ids: string[] = []
  let count = 0
  for (;;) {
    const part = await store.write({ kind: 'forget', by }, call)
    count += part.ids.length
    ids.push(...part.ids.slice(0, IDS_ANSWERED_MAX - ids.length))
    if (!part.hasRest) return { count, ids, erased: part.erased }
  }
}

function target(body: { id?: string; session_id?: string; query?: string }): ForgetBy {
  const named: ForgetBy[] = []
  if (body.id !== undefined) named.push({ kind: 'id', id: body.id })
  if (body.session_id !== undefined) named.push({ kind: 'session', sessionId: body.session_id })
  if (body.query !== undefined) named.push({ kind: 'query', query: body.query })
  const [only, ...others] = named
  if (only === undefined || others.length > 0) {
    throw new ServiceError('INVALID_ARGUMENT', 'Name exactly one of id, session_id and query')
  }
  // Words beside it would still be found: more would be forgotten than was meant.
  if (only.kind === 'query') assertWellFormed(only.query)
  return only
}
