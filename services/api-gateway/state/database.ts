import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ServiceError } from '#chassis/errors.ts'

export type GatewayDatabase = Database.Database

const BUSY_TIMEOUT_MS = 2000

/** One entry per schema version; an entry that was released is never changed. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE session (
     id TEXT PRIMARY KEY,
     user_id TEXT,
     metadata TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL,
     last_seen_ms INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE idempotent_action (
     key TEXT NOT NULL,
     principal TEXT NOT NULL,
     request_sha256 TEXT NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('running', 'done')),
     status INTEGER,
     body TEXT,
     created_at_ms INTEGER NOT NULL,
     PRIMARY KEY (principal, key)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX idempotent_action_created ON idempotent_action (created_at_ms);`,
]

/**
 * Opens the gateway's own database. `synchronous=FULL`: an action that was acknowledged as begun
 * must be known as begun after a power loss, or it would run twice.
 */
export function openDatabase(folder: string): GatewayDatabase {
  const database = new Database(join(folder, 'gateway.db'), { timeout: BUSY_TIMEOUT_MS })
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma('foreign_keys = ON')
  migrate(database)
  return database
}

function migrate(database: GatewayDatabase): void {
  const version = Number(database.pragma('user_version', { simple: true }))
  if (version > MIGRATIONS.length) {
    throw new Error(`gateway.db has schema ${version}, newer than this build's ${MIGRATIONS.length}`)
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < version) continue
    database.transaction(() => {
      database.exec(sql)
      database.pragma(`user_version = ${index + 1}`)
    })()
  }
}

/** Runs a statement of the gateway's state; a database that fails is UNAVAILABLE, never a crash. */
export function withDatabase<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Database.SqliteError) {
      throw new ServiceError('UNAVAILABLE', 'The gateway cannot use its own state now', { cause: error })
    }
    throw error
  }
}
