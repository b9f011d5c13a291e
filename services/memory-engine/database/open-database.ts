import { closeSync, existsSync, openSync } from 'node:fs'
import Database from 'better-sqlite3'
import { databaseFailure } from './sqlite-failure.ts'
import { assertKnown, migrate } from './migrate.ts'

/** Earlier SQLite can corrupt a WAL database written by two connections (the supervisor backs up beside us). */
const SQLITE_VERSION_MIN = '3.51.3'

export interface DatabaseSettings {
  readonly file: string
  readonly busyTimeoutMs: number
  /** Upper bound of the file; 0 means none but the disk. */
  readonly bytesMax: number
}

/** The one connection that writes: durable at every commit, migrated to the present schema. */
export function openForWriting(settings: DatabaseSettings): Database.Database {
  createPrivate(settings.file)
  const db = new Database(settings.file, { timeout: settings.busyTimeoutMs })
  return closedOnFailure(db, () => {
    assertSqliteVersion(db)
    // Before anything is written: also the journal mode is a part of the file.
    assertKnown(db)
    db.pragma('journal_mode = WAL')
    // better-sqlite3 builds WAL with NORMAL, which loses acknowledged commits at power loss.
    db.pragma('synchronous = FULL')
    // 16 MB of log instead of 4: a quarter of the pauses in which it is carried into the file.
    db.pragma('wal_autocheckpoint = 4000')
    db.pragma('foreign_keys = ON')
    db.pragma('secure_delete = ON')
    applyCommonPragmas(db)
    if (settings.bytesMax > 0) {
      const pageBytes = Number(db.pragma('page_size', { simple: true }))
      db.pragma(`max_page_count = ${Math.max(1, Math.floor(settings.bytesMax / pageBytes))}`)
    }
    migrate(db)
    assertWritable(db)
  })
}

/** Where a log is left, what may only be read opens and even begins to write. Only a write tells, and undone it costs nothing. */
function assertWritable(db: Database.Database): void {
  const version = Number(db.pragma('user_version', { simple: true }))
  db.exec(`BEGIN; PRAGMA user_version = ${version}; ROLLBACK`)
}

/** SQLite gives its log and shared memory the mode of the database file. */
function createPrivate(file: string): void {
  if (existsSync(file)) return
  closeSync(openSync(file, 'a', 0o600))
}

/** A connection that cannot write; the database must exist and have been migrated. */
export function openForReading(settings: DatabaseSettings): Database.Database {
  const db = new Database(settings.file, {
    timeout: settings.busyTimeoutMs,
    readonly: true,
    fileMustExist: true,
  })
  return closedOnFailure(db, () => {
    assertSqliteVersion(db)
    applyCommonPragmas(db)
  })
}

function applyCommonPragmas(db: Database.Database): void {
  db.pragma('mmap_size = 0')
  // Sorting spills stay in memory: a temporary file would outlive what is forgotten.
  db.pragma('temp_store = MEMORY')
  db.pragma('cache_size = -16000')
}

function closedOnFailure(db: Database.Database, prepare: () => void): Database.Database {
  try {
    prepare()
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function assertSqliteVersion(db: Database.Database): void {
  const version = String(db.prepare('SELECT sqlite_version()').pluck().get())
  if (isOlder(version, SQLITE_VERSION_MIN))
    throw databaseFailure('SQLITE_TOO_OLD', new Error(`SQLite ${version}`))
}

/** Compares dotted versions number by number. */
export function isOlder(version: string, minimum: string): boolean {
  const [have, need] = [version, minimum].map((text) => text.split('.').map(Number))
  for (const [place, needed] of (need ?? []).entries()) {
    const present = have?.[place] ?? 0
    if (present !== needed) return present < needed
  }
  return false
}
