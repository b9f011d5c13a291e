import { Type } from 'typebox'
import type { Clock } from '#chassis/clock.ts'
import type { SoniaApp } from '#chassis/define-service.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { ServiceMetrics } from '#chassis/metrics.ts'
import type { Embedder } from '../embedding/embedder.ts'
import { assertWellFormed, toMemory } from '../memory.ts'
import type { MemoryStore } from '../memory-store.ts'
import { Limit, MemoryId, MemoryType, Metadata, SessionId } from './schemas.ts'

/** Longer questions are cut into at most so many words by the planner; this bounds the reading of them. */
const QUERY_CHARS_MAX = 131_072

export interface SearchRouteParts {
  readonly app: SoniaApp
  readonly store: MemoryStore
  readonly clock: Clock
  readonly metrics: ServiceMetrics
  readonly embedder: Embedder
}

/** POST /search. */
export function addSearchRoute({ app, store, clock, metrics, embedder }: SearchRouteParts): void {
  const searches = metrics.counter('sonia_memory_searches_total')
  const Mode = Type.Union([Type.Literal('lexical'), Type.Literal('hybrid')])
  const schema = {
    body: Type.Object(
      {
        query: Type.String({ minLength: 1 }),
        limit: Type.Optional(Limit),
        type: Type.Optional(MemoryType),
        session_id: Type.Optional(SessionId),
        /** Leaves out turns that only ask the same, and answers of the stand-in. */
        evidence_only: Type.Optional(Type.Boolean()),
        mode: Type.Optional(Mode),
      },
      { additionalProperties: false },
    ),
    response: {
      200: Type.Object({
        query: Type.String(),
        results: Type.Array(
          Type.Object({
            id: MemoryId,
            type: Type.String(),
            content: Type.String(),
            metadata: Metadata,
            score: Type.Number(),
            created_at: Type.String(),
          }),
        ),
        count: Type.Integer(),
        mode: Mode,
      }),
    },
  }
  app.post('/search', { schema }, async ({ body, call }) => {
    assertReadable(body.query)
    const vector = body.mode === 'lexical' ? undefined : await embedder.embedQuery(body.query, call)
    const request = {
      query: body.query,
      limit: body.limit ?? 10,
      type: body.type,
      sessionId: body.session_id,
      evidenceOnly: body.evidence_only === true,
      nowMs: clock.nowMs(),
      vector,
    }
    const found = await store.read({ kind: 'search', request }, call)
    const mode = vector === undefined ? ('lexical' as const) : ('hybrid' as const)
    searches.inc({ mode })
    const results = found.map(({ row, score }) => {
      const { id, type, content, metadata, created_at } = toMemory(row)
      return { id, type, content, metadata, score, created_at }
    })
    return { query: body.query, results, count: results.length, mode }
  })
}

function assertReadable(query: string): void {
  if (query.length > QUERY_CHARS_MAX) {
    throw new ServiceError('TOO_LARGE', `query is longer than ${QUERY_CHARS_MAX} characters`)
  }
  assertWellFormed(query)
}
