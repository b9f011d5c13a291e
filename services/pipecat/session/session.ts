import type { Caller } from '#chassis/call-context.ts'

/** `clean`: SESSION_STOP, or a stop over HTTP; `client_closed`: the client closed its socket, or its page was left. */
export const CLOSE_REASONS = [
  'clean',
  'client_closed',
  'idle',
  'expired',
  'error',
  'overflow',
  'shutdown',
  'restart',
] as const
export type CloseReason = (typeof CLOSE_REASONS)[number]

/** A voice session as its files and its callers see it. It holds no text of anybody. */
export interface SessionRecord {
  readonly session_id: string
  readonly user_id: string | null
  /** The principal that opened it, and alone may use it; null where a service did. */
  readonly owner: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly created_at_ms: number
}

/** What a session is doing; only session-book.ts changes it. */
export interface Session {
  readonly record: SessionRecord
  /** Taken over from an earlier process, whose frames this one does not know. */
  readonly isRestored: boolean
  state: 'ACTIVE' | 'CLOSED'
  closeReason: CloseReason | null
  /** Last sign of life of the client: a frame or a connection. */
  lastSeenAtMs: number
  /** Since when no socket is attached; null while one is. */
  detachedAtMs: number | null
}

export function maySeeSession(caller: Caller, { owner }: SessionRecord): boolean {
  return caller.kind === 'service' || owner === null || owner === caller.principal
}

export function sessionView({ record, state, closeReason }: Session) {
  return {
    session_id: record.session_id,
    user_id: record.user_id,
    state,
    created_at: new Date(record.created_at_ms).toISOString(),
    ...(closeReason === null ? {} : { closed_reason: closeReason }),
  }
}
