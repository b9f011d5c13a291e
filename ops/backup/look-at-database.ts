import Database from 'better-sqlite3'
import type { BackupFaultCode } from './backup-error.ts'
import { quoted, withDatabase } from './database.ts'

/** What is wrong with a database. Plain data: it crosses from one thread to another. */
export interface Finding {
  readonly code: BackupFaultCode
  readonly what: string
}

type LookAt = (database: Database.Database) => Finding | null

/** In the order in which they are told: where pages are broken, what the others say is only a consequence. */
export const LOOKS = { pages: lookAtPages, indexes: lookAtIndexes } as const satisfies Record<string, LookAt>
export type Look = keyof typeof LOOKS

/** Null where all is well. Throws what says nothing about the database: no room, no right to read. */
export function lookAt(path: string, look: Look): Finding | null {
  try {
    return withDatabase(path, LOOKS[look])
  } catch (cause) {
    if (!(cause instanceof Database.SqliteError) || cause.code.startsWith('SQLITE_FULL')) throw cause
    return { code: 'DATABASE_CORRUPT', what: cause.message }
  }
}

function lookAtPages(database: Database.Database): Finding | null {
  const [first] = database.pragma('integrity_check(1)') as readonly { integrity_check: string }[]
  if (first?.integrity_check !== 'ok') {
    return { code: 'DATABASE_CORRUPT', what: first?.integrity_check ?? 'no answer' }
  }
  const orphans = database.pragma('foreign_key_check') as readonly unknown[]
  return orphans.length === 0 ? null : { code: 'FOREIGN_KEYS_BROKEN', what: `${orphans.length} rows` }
}

function lookAtIndexes(database: Database.Database): Finding | null {
  const virtual = database
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%USING fts5(%'",
    )
    .pluck()
    .all() as readonly string[]
  for (const name of virtual) {
    const index = quoted(name)
    try {
      // rank 1: compare with the content table too, not only within the index (SQLite documentation, FTS5 4.4.2).
      database.prepare(`INSERT INTO ${index} (${index}, rank) VALUES ('integrity-check', 1)`).run()
    } catch {
      return { code: 'INDEX_BROKEN', what: name }
    }
  }
  return null
}
