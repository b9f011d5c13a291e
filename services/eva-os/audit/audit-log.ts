import { setImmediate } from 'node:timers/promises'
import canonicalize from 'canonicalize'
import type { Store } from '../store/database.ts'
import { type AuditEntry, brokenLink, entryDigest, GENESIS_SHA256 } from './chain.ts'

export const AUDIT_EVENTS = [
  'started',
  'database_lost',
  'audit_truncated',
  'restored',
  'clock_set_back',
  'policy_changed',
  'policy_rejected',
  'tool_call_judged',
  'approval_requested',
  'approval_decided',
  'approval_refused',
  'approval_redeemed',
  'approval_ended',
  'token_issued',
  'token_refused',
  'keys_changed',
] as const
export type AuditEvent = (typeof AUDIT_EVENTS)[number]

export interface AuditHead {
  readonly seq: number
  readonly sha256: string
}

export interface Verification {
  readonly ok: boolean
  readonly entries: number
  readonly head: AuditHead
  /** The first thing that is wrong. */
  readonly problem: string | null
}

/** The append-only, hash-chained record. `append` belongs inside a transaction of the store. */
export interface AuditLog {
  readonly append: (event: AuditEvent, body: Readonly<Record<string, unknown>>, atMs: number) => AuditEntry
  list(range: { readonly limit: number; readonly before?: number }): readonly AuditEntry[]
  head(): AuditHead
  lastAtMs(): number
  /** Walks the whole chain in pieces, so that nobody else waits for it. */
  verify(): Promise<Verification>
}

interface Row {
  readonly seq: number
  readonly at_ms: number
  readonly event: string
  readonly body: string
  readonly previous_sha256: string
  readonly sha256: string
}

const ROWS_AT_ONCE = 500
const NO_ENTRY: AuditHead = { seq: 0, sha256: GENESIS_SHA256 }

export function openAuditLog({ connection }: Store): AuditLog {
  const insert = connection.prepare<[number, number, string, string, string, string]>(
    'INSERT INTO audit (seq, at_ms, event, body, previous_sha256, sha256) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const last = connection.prepare<[], Row>('SELECT * FROM audit ORDER BY seq DESC LIMIT 1')
  const page = connection.prepare<[number, number], Row>(
    'SELECT * FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?',
  )
  const after = connection.prepare<[number, number], Row>(
    'SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?',
  )
  const head = (): AuditHead => {
    const row = last.get()
    return row === undefined ? NO_ENTRY : { seq: row.seq, sha256: row.sha256 }
  }
  return {
    append(event, body, atMs) {
      const previous = head()
      const link = { seq: previous.seq + 1, at_ms: atMs, event, body, previous_sha256: previous.sha256 }
      const entry: AuditEntry = { ...link, sha256: entryDigest(link) }
      const text = canonicalize(body) ?? '{}'
      insert.run(entry.seq, entry.at_ms, entry.event, text, entry.previous_sha256, entry.sha256)
      return entry
    },
    list: ({ limit, before }) => page.all(before ?? Number.MAX_SAFE_INTEGER, limit).map(entryOf),
    head,
    lastAtMs: () => last.get()?.at_ms ?? 0,
    verify: () => verifyChain((seq) => after.all(seq, ROWS_AT_ONCE)),
  }
}

async function verifyChain(rowsAfter: (seq: number) => readonly Row[]): Promise<Verification> {
  let head = NO_ENTRY
  for (;;) {
    const rows = rowsAfter(head.seq)
    if (rows.length === 0) return { ok: true, entries: head.seq, head, problem: null }
    for (const row of rows) {
      const problem = problemOf(head, row)
      if (problem !== undefined) return { ok: false, entries: head.seq, head, problem }
      head = { seq: row.seq, sha256: row.sha256 }
    }
    await setImmediate()
  }
}

function problemOf(head: AuditHead, row: Row): string | undefined {
  try {
    return brokenLink(head, entryOf(row))
  } catch {
    return `entry ${row.seq} was changed`
  }
}

function entryOf(row: Row): AuditEntry {
  return { ...row, body: JSON.parse(row.body) as Record<string, unknown> }
}
