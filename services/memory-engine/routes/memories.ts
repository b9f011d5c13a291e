import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Embedder } from '../embedding/embedder.ts'
import { assertStorable, type Memory, metadataText, toMemory } from '../memory.ts'
import type { MemoryStore } from '../memory-store.ts'
import { Content, IdParams, Limit, MemoryBody, MemoryId, MemoryType, Metadata, SessionId } from './schemas.ts'

export interface MemoryRouteParts {
  readonly app: SoniaApp
  readonly store: MemoryStore
  readonly clock: Clock
  readonly embedder: Pick<Embedder, 'notice'>
}

/** POST /store, GET, PUT and DELETE /recall/{id}, GET /query/by-type/{type}. */
export function addMemoryRoutes(parts: MemoryRouteParts): void {
  addStore(parts)
  addRecall(parts)
  addReplace(parts)
  addDelete(parts)
  addByType(parts)
}

function addStore({ app, store, clock, embedder }: MemoryRouteParts): void {
  const schema = {
    body: Type.Object(
      {
        type: MemoryType,
        content: Content,
        metadata: Type.Optional(Metadata),
        session_id: Type.Optional(SessionId),
      },
      { additionalProperties: false },
    ),
    response: { 200: Type.Object({ status: Type.Literal('stored'), id: MemoryId }) },
  }
  app.post('/store', { schema }, async ({ body, call }) => {
    assertStorable(body.content)
    const nowMs = clock.nowMs()
    const draft = {
      type: body.type,
      content: body.content,
      metadata: metadataText(body.metadata ?? {}),
      session_id: body.session_id ?? null,
      created_at_ms: nowMs,
      updated_at_ms: nowMs,
    }
    const { id, seq } = await store.write({ kind: 'store', draft }, call)
    embedder.notice(seq)
    return { status: 'stored' as const, id }
  })
}

function addRecall({ app, store }: MemoryRouteParts): void {
  const schema = { params: IdParams, response: { 200: MemoryBody } }
  app.get('/recall/:id', { schema }, async ({ params, call }): Promise<Memory> => {
    const row = await store.read({ kind: 'recall', id: params.id }, call)
    if (row === null) throw unknownMemory()
    return toMemory(row)
  })
}

function addReplace({ app, store, clock, embedder }: MemoryRouteParts): void {
  const schema = {
    params: IdParams,
    body: Type.Object(
      { content: Content, type: Type.Optional(MemoryType), metadata: Type.Optional(Metadata) },
      { additionalProperties: false },
    ),
    response: { 200: MemoryBody },
  }
  app.put('/recall/:id', { schema }, async ({ params, body, call }): Promise<Memory> => {
    assertStorable(body.content)
    const change = {
      content: body.content,
      type: body.type,
      metadata: body.metadata === undefined ? undefined : metadataText(body.metadata),
    }
    const row = await store.write({ kind: 'replace', id: params.id, change, nowMs: clock.nowMs() }, call)
    if (row === null) throw unknownMemory()
    embedder.notice(row.seq)
    return toMemory(row)
  })
}

function addDelete({ app, store }: MemoryRouteParts): void {
  const schema = {
    params: IdParams,
    response: { 200: Type.Object({ status: Type.Literal('deleted'), id: MemoryId }) },
  }
  app.delete('/recall/:id', { schema }, async ({ params, call }) => {
    const existed = await store.write({ kind: 'delete', id: params.id }, call)
    if (!existed) throw unknownMemory()
    return { status: 'deleted' as const, id: params.id }
  })
}

function addByType({ app, store }: MemoryRouteParts): void {
  const schema = {
    params: Type.Object({ type: MemoryType }),
    querystring: Type.Object(
      { limit: Limit, before: Type.Optional(MemoryId) },
      { additionalProperties: false },
    ),
    response: {
      200: Type.Object({ type: Type.String(), results: Type.Array(MemoryBody), count: Type.Integer() }),
    },
  }
  app.get('/query/by-type/:type', { schema }, async ({ params, query, call }) => {
    const rows = await store.read(
      { kind: 'by_type', type: params.type, limit: query.limit, before: query.before ?? null },
      call,
    )
    return { type: params.type, results: rows.map(toMemory), count: rows.length }
  })
}

function unknownMemory(): ServiceError {
  return new ServiceError('NOT_FOUND', 'No memory has this id')
}
