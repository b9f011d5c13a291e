import { Type } from 'typebox'
import type { SoniaApp } from '#chassis/define-service.ts'
import type { MemoryStore } from '../memory-store.ts'

/** GET /query/stats. */
export function addStatsRoute({ app, store }: { readonly app: SoniaApp; readonly store: MemoryStore }): void {
  const Time = Type.Union([Type.String(), Type.Null()])
  const schema = {
    response: {
      200: Type.Object({
        items: Type.Integer(),
        by_type: Type.Record(Type.String(), Type.Integer()),
        sessions: Type.Integer(),
        vectors: Type.Integer(),
        oldest: Time,
        newest: Time,
        database_bytes: Type.Integer(),
      }),
    },
  }
  app.get('/query/stats', { schema }, async ({ call }) => {
    const { oldest_ms, newest_ms, ...stats } = await store.read({ kind: 'stats' }, call)
    return { ...stats, oldest: timeText(oldest_ms), newest: timeText(newest_ms) }
  })
}

function timeText(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString()
}
