import { randomBytes } from 'node:crypto'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import { type GatewayDatabase, withDatabase } from './database.ts'

export interface Session {
  readonly session_id: string
  readonly user_id: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly created_at: string
  readonly expires_at: string
}

export interface SessionLimits {
  readonly sessionsMax: number
  readonly lifetimeMs: number
  readonly idleMs: number
}

interface SessionRow {
  readonly id: string
  readonly user_id: string | null
  readonly metadata: string
  readonly created_at_ms: number
  readonly last_seen_ms: number
}

/** A session seen again within this time is not written again: one fsync per message would buy nothing. */
const TOUCH_EVERY_MS = 15_000

/** Conversations that outlive the process. Expired ones are removed when the next one is made or looked for. */
export function createSessionStore(database: GatewayDatabase, limits: SessionLimits, clock: Clock) {
  const insert = database.prepare(
    'INSERT INTO session (id, user_id, metadata, created_at_ms, last_seen_ms) VALUES (?, ?, ?, ?, ?)',
  )
  const select = database.prepare<[string], SessionRow>('SELECT * FROM session WHERE id = ?')
  const touchRow = database.prepare('UPDATE session SET last_seen_ms = ? WHERE id = ?')
  const remove = database.prepare('DELETE FROM session WHERE id = ?')
  const removeExpired = database.prepare('DELETE FROM session WHERE created_at_ms <= ? OR last_seen_ms <= ?')
  const count = database.prepare<[], { n: number }>('SELECT count(*) AS n FROM session')

  const purge = (nowMs: number) => removeExpired.run(nowMs - limits.lifetimeMs, nowMs - limits.idleMs)
  const toSession = (row: SessionRow): Session => ({
    session_id: row.id,
    user_id: row.user_id,
    metadata: JSON.parse(row.metadata) as Record<string, unknown>,
    created_at: new Date(row.created_at_ms).toISOString(),
    expires_at: new Date(
      Math.min(row.created_at_ms + limits.lifetimeMs, row.last_seen_ms + limits.idleMs),
    ).toISOString(),
  })
  const find = (id: string): SessionRow => {
    purge(clock.nowMs())
    const row = select.get(id)
    if (row === undefined) throw new ServiceError('NOT_FOUND', 'There is no such session')
    return row
  }
  const create = database.transaction((userId: string | null, metadata: object): Session => {
    const nowMs = clock.nowMs()
    purge(nowMs)
    if ((count.get()?.n ?? 0) >= limits.sessionsMax) {
      throw new ServiceError('CONFLICT', `There are ${limits.sessionsMax} active sessions already`)
    }
    const id = `ses_${randomBytes(8).toString('hex')}`
    const row = {
      id,
      user_id: userId,
      metadata: JSON.stringify(metadata),
      created_at_ms: nowMs,
      last_seen_ms: nowMs,
    }
    insert.run(row.id, row.user_id, row.metadata, row.created_at_ms, row.last_seen_ms)
    return toSession(row)
  })

  return {
    create: (userId: string | null, metadata: object): Session =>
      withDatabase(() => create(userId, metadata)),
    get: (id: string): Session => withDatabase(() => toSession(find(id))),
    /** Says that the session is in use; throws NOT_FOUND when it is unknown or over. */
    touch: (id: string): void =>
      withDatabase(() => {
        const row = find(id)
        const nowMs = clock.nowMs()
        if (nowMs - row.last_seen_ms >= TOUCH_EVERY_MS) touchRow.run(nowMs, id)
      }),
    remove: (id: string): void =>
      withDatabase(() => {
        find(id)
        remove.run(id)
      }),
  }
}

export type SessionStore = ReturnType<typeof createSessionStore>
