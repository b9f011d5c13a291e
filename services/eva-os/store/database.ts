import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { ServiceError } from '#chassis/errors.ts'
import { migrate } from './migrations.ts'

export type Connection = Database.Database

/** The one connection to eva-os' database, with a promise about what survives a power cut. */
export interface Store {
  readonly connection: Connection
  /** True where there was no database before. */
  readonly isNew: boolean
  /** One transaction that is on the disk before this returns. Throws UNAVAILABLE if it cannot be. */
  readonly durably: <T>(change: () => T) => T
  /** One transaction that survives a crash of the process, not of the machine; costs no fsync. */
  readonly promptly: <T>(change: () => T) => T
  /** Throws UNAVAILABLE where the file behind the connection is no longer the one in the folder. */
  assertPresent(): void
  close(): void
}

/** Earlier ones can corrupt a WAL database that two connections write. */
const SQLITE_VERSION_MIN = [3, 51, 3] as const
const FILE_NAME = 'eva-os.db'

export function openStore(folder: string): Store {
  const path = join(folder, FILE_NAME)
  const isNew = statSync(path, { throwIfNoEntry: false }) === undefined
  const connection = new Database(path, { timeout: 2_000 })
  chmodSync(path, 0o600)
  assertVersion(connection)
  connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  connection.pragma('foreign_keys = ON')
  connection.pragma('trusted_schema = OFF')
  migrate(connection)
  const opened = statSync(path, { bigint: true })
  const assertPresent = () => {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (found?.ino !== opened.ino || found.dev !== opened.dev) throw unavailable('The database file is gone')
  }
  const run = <T>(level: 'FULL' | 'NORMAL', change: () => T): T => {
    // Part of the change that is under way: lives or dies with it.
    if (connection.inTransaction) return change()
    assertPresent()
    try {
      connection.pragma(`synchronous = ${level}`)
      return connection.transaction(change).immediate()
    } catch (error) {
      if (isStorageFault(error)) throw unavailable('The state cannot be written', error)
      throw error
    }
  }
  return {
    connection,
    isNew,
    durably: (change) => run('FULL', change),
    promptly: (change) => run('NORMAL', change),
    assertPresent,
    close: () => {
      connection.close()
    },
  }
}

function assertVersion(connection: Connection): void {
  const { version } = connection.prepare('SELECT sqlite_version() AS version').get() as { version: string }
  const parts = version.split('.').map(Number)
  const at = SQLITE_VERSION_MIN.findIndex((minimum, index) => (parts[index] ?? 0) !== minimum)
  if (at >= 0 && (parts[at] ?? 0) < (SQLITE_VERSION_MIN[at] ?? 0)) {
    throw new Error(`SQLite ${SQLITE_VERSION_MIN.join('.')} or newer is needed, this is ${version}`)
  }
}

/** Full disk, I/O error, read-only or damaged file: nothing was changed, and nothing may be done on its strength. */
function isStorageFault(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^SQLITE_(FULL|IOERR|READONLY|CORRUPT|NOTADB|CANTOPEN|BUSY|LOCKED)/.test(code)
}

function unavailable(message: string, cause?: unknown): ServiceError {
  return new ServiceError('UNAVAILABLE', message, cause === undefined ? {} : { cause })
}
