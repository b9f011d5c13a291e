import { type AuditEvent, type AuditLog, openAuditLog } from '../audit/audit-log.ts'
import { readHeadFile, writeHeadFile } from '../audit/head-file.ts'
import { useRestoredMark } from '../audit/restored-mark.ts'
import { openStore, type Store } from './database.ts'

/** What eva-os remembers, opened and compared with what it should remember. */
export interface State {
  readonly store: Store
  readonly audit: AuditLog
  /** One audit entry in a transaction of its own. */
  readonly record: (event: AuditEvent, body: Readonly<Record<string, unknown>>, atMs: number) => void
  /** Latest time on record when this start began; 0 without one. */
  readonly lastSeenMs: number
  /** Why the record has a hole; null where it has none. */
  readonly loss: string | null
  /** Writes down how far the audit goes, for the next start to compare. */
  readonly anchor: () => void
  readonly close: () => void
}

export function openState(folder: string, nowMs: number): State {
  const store = openStore(folder)
  const audit = openAuditLog(store)
  const lastSeenMs = audit.lastAtMs()
  const record: State['record'] = (event, body, atMs) => {
    store.promptly(() => audit.append(event, body, atMs))
  }
  const loss = findLoss(folder, store, audit)
  if (loss !== null) record(store.isNew ? 'database_lost' : 'audit_truncated', { loss }, nowMs)
  useRestoredMark(folder, (mark) => record('restored', { ...mark }, nowMs))
  const anchor = () => {
    writeHeadFile(folder, audit.head())
  }
  anchor()
  return { store, audit, record, lastSeenMs, loss, anchor, close: () => closeState(store, anchor) }
}

function closeState(store: Store, anchor: () => void): void {
  try {
    anchor()
  } finally {
    store.close()
  }
}

/** The head file stands beside the database: if the chain does not reach it, entries (or all of it) were lost. */
function findLoss(folder: string, store: Store, audit: AuditLog): string | null {
  const anchored = readHeadFile(folder)
  if (anchored === 'damaged')
    return 'the file beside the database that says how far the audit went is damaged'
  if (anchored === undefined || anchored.seq === 0) return null
  if (store.isNew) return `the database is new, but ${anchored.seq} audit entries were written here before`
  const [entry] = audit.list({ limit: 1, before: anchored.seq + 1 })
  if (entry?.seq === anchored.seq && entry.sha256 === anchored.sha256) return null
  return `the audit does not reach entry ${anchored.seq}, which was written here before`
}
