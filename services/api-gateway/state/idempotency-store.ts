import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import { type GatewayDatabase, withDatabase } from './database.ts'

export interface ActionKey {
  readonly key: string
  readonly principal: string
  /** What the key stands for: the same key with another request is a conflict. */
  readonly request: unknown
}

export interface StoredAnswer {
  readonly status: number
  readonly body: unknown
}

interface ActionRow {
  readonly request_sha256: string
  readonly state: 'running' | 'done'
  readonly status: number | null
  readonly body: string | null
}

/**
 * Each key is executed once. `begin` is durable before the action starts; an action whose end was never
 * recorded (the gateway died) stays a conflict, because nobody knows whether it ran.
 */
export function createIdempotencyStore(database: GatewayDatabase, keptMs: number, clock: Clock) {
  const select = database.prepare<[string, string], ActionRow>(
    'SELECT request_sha256, state, status, body FROM idempotent_action WHERE principal = ? AND key = ?',
  )
  const insert = database.prepare(
    "INSERT INTO idempotent_action (principal, key, request_sha256, state, created_at_ms) VALUES (?, ?, ?, 'running', ?)",
  )
  const update = database.prepare(
    "UPDATE idempotent_action SET state = 'done', status = ?, body = ? WHERE principal = ? AND key = ?",
  )
  const remove = database.prepare('DELETE FROM idempotent_action WHERE principal = ? AND key = ?')
  const removeOld = database.prepare('DELETE FROM idempotent_action WHERE created_at_ms <= ?')

  const begin = database.transaction(({ key, principal, request }: ActionKey): StoredAnswer | null => {
    removeOld.run(clock.nowMs() - keptMs)
    const digest = digestOf(request)
    const row = select.get(principal, key)
    if (row === undefined) {
      insert.run(principal, key, digest, clock.nowMs())
      return null
    }
    return answerOf(row, digest)
  })

  return {
    /** Null: run it now, then say `finish` or `abandon`. Otherwise the first answer. */
    begin: (action: ActionKey): StoredAnswer | null => withDatabase(() => begin.immediate(action)),
    finish: ({ key, principal }: ActionKey, { status, body }: StoredAnswer): void => {
      withDatabase(() => update.run(status, JSON.stringify(body), principal, key))
    },
    /** The action certainly did not run: the key may be used again. */
    abandon: ({ key, principal }: ActionKey): void => {
      withDatabase(() => remove.run(principal, key))
    },
  }
}

export type IdempotencyStore = ReturnType<typeof createIdempotencyStore>

function answerOf(row: ActionRow, digest: string): StoredAnswer {
  if (row.request_sha256 !== digest) {
    throw new ServiceError('CONFLICT', 'This idempotency key was used for another request', {
      details: { reason: 'IDEMPOTENCY_KEY_REUSED' },
    })
  }
  if (row.state === 'running') {
    throw new ServiceError('CONFLICT', 'The request with this idempotency key has not ended', {
      details: { reason: 'IDEMPOTENCY_KEY_RUNNING' },
    })
  }
  return { status: row.status ?? 200, body: JSON.parse(row.body ?? 'null') as unknown }
}

function digestOf(request: unknown): string {
  return createHash('sha256')
    .update(canonicalize(request) ?? '')
    .digest('hex')
}
