import { createHash, type Hash } from 'node:crypto'
import Database from 'better-sqlite3'
import { BackupError } from './backup-error.ts'
import type { BackupManifest, TableFacts } from './manifest.ts'

const BUSY_TIMEOUT_MS = 10_000
const HINT = 'take another backup; ./sonia backups lists them'

/**
 * Copies a live database as it stood at one moment. The read transaction pins that moment, so that writers of other
 * processes go on and the copy neither waits for them nor starts again (a stepped online backup without it does).
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const source = new Database(from, { readonly: true, timeout: BUSY_TIMEOUT_MS })
  try {
    source.exec('BEGIN')
    source.prepare('SELECT count(*) FROM sqlite_schema').get()
    await source.backup(to)
    source.exec('COMMIT')
  } finally {
    source.close()
  }
  // One file, without -wal and -shm beside it: what is hashed is all there is.
  withDatabase(to, (copy) => copy.pragma('journal_mode = DELETE'))
}

function withDatabase<T>(path: string, work: (database: Database.Database) => T): T {
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS, fileMustExist: true })
  try {
    return work(database)
  } finally {
    database.close()
  }
}

/** `user_version` of a database, with what its log holds; null where the file is no database. */
export function readSchemaVersion(path: string): number | null {
  try {
    return withDatabase(path, (database) => Number(database.pragma('user_version', { simple: true })))
  } catch (error) {
    if (error instanceof Database.SqliteError) return null
    throw error
  }
}

export interface DatabaseFacts {
  readonly schema_version: number
  readonly tables: readonly TableFacts[]
}

/** Row count and content hash of every ordinary table; what an index holds is checked against its table instead. */
export function databaseFacts(path: string): DatabaseFacts {
  return withDatabase(path, (database) => ({
    schema_version: Number(database.pragma('user_version', { simple: true })),
    tables: ordinaryTables(database).map((table) => tableFacts(database, table)),
  }))
}

interface TableInfo {
  readonly name: string
  readonly type: string
  readonly wr: number
}

function ordinaryTables(database: Database.Database): readonly TableInfo[] {
  const tables = database.pragma('table_list') as readonly (TableInfo & { readonly schema: string })[]
  return tables
    .filter(({ schema, type, name }) => schema === 'main' && type === 'table' && name !== 'sqlite_schema')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function tableFacts(database: Database.Database, { name, wr }: TableInfo): TableFacts {
  const order = wr === 1 ? primaryKey(database, name) : 'rowid'
  const statement = database
    .prepare(`SELECT * FROM ${quoted(name)} ORDER BY ${order}`)
    .raw()
    .safeIntegers()
  const hash = createHash('sha256')
  let rows = 0
  for (const row of statement.iterate() as IterableIterator<readonly unknown[]>) {
    addRow(hash, row)
    rows += 1
  }
  return { name, rows, sha256: hash.digest('hex') }
}

function primaryKey(database: Database.Database, table: string): string {
  const columns = database.pragma(`table_info(${quoted(table)})`) as readonly { name: string; pk: number }[]
  const key = columns.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk)
  return key.map(({ name }) => quoted(name)).join(', ')
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Type and length go before each value: no two different rows give the same bytes. */
function addRow(hash: Hash, row: readonly unknown[]): void {
  let text = ''
  for (const value of row) {
    if (Buffer.isBuffer(value)) {
      hash.update(`${text}b${value.length}:`)
      hash.update(value)
      text = ''
    } else text += scalarText(value)
  }
  hash.update(`${text}\n`)
}

function scalarText(value: unknown): string {
  if (typeof value === 'string') return `s${value.length}:${value}`
  if (typeof value === 'bigint') return `i${value};`
  return typeof value === 'number' ? `f${value};` : 'n'
}

/** Throws unless the file is a whole database: pages, foreign keys, and each full-text index against its table. */
export function checkDatabase(path: string, on: string): void {
  try {
    withDatabase(path, (database) => {
      const [first] = database.pragma('integrity_check(1)') as readonly { integrity_check: string }[]
      if (first?.integrity_check !== 'ok') {
        throw new BackupError('DATABASE_CORRUPT', `${on}: ${first?.integrity_check ?? 'no answer'}`, {
          hint: HINT,
        })
      }
      const orphans = database.pragma('foreign_key_check') as readonly unknown[]
      if (orphans.length > 0)
        throw new BackupError('FOREIGN_KEYS_BROKEN', `${on}: ${orphans.length} rows`, { hint: HINT })
      checkFullTextIndexes(database, on)
    })
  } catch (cause) {
    if (cause instanceof Database.SqliteError && !cause.code.startsWith('SQLITE_FULL')) {
      throw new BackupError('DATABASE_CORRUPT', `${on}: ${cause.message}`, { hint: HINT, cause })
    }
    throw cause
  }
}

function checkFullTextIndexes(database: Database.Database, on: string): void {
  const virtual = database
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%USING fts5(%'",
    )
    .pluck()
    .all() as readonly string[]
  for (const name of virtual) {
    try {
      // rank 1: compare with the content table too, not only within the index (SQLite documentation, FTS5 4.4.2).
      database
        .prepare(`INSERT INTO ${quoted(name)} (${quoted(name)}, rank) VALUES ('integrity-check', 1)`)
        .run()
    } catch (cause) {
      throw new BackupError('INDEX_BROKEN', `${on}: ${name}`, { hint: HINT, cause })
    }
  }
}

/** The newest memory of a memory database; null for another database. */
export function sentinelOf(path: string): BackupManifest['sentinel'] {
  return withDatabase(path, (database) => {
    const has = database
      .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'memories'")
      .get()
    if (has === undefined) return null
    const row = database
      .prepare(
        'SELECT count(*) AS memories, coalesce(max(seq), 0) AS last_seq, coalesce(max(created_at_ms), 0) AS last_created_at_ms FROM memories',
      )
      .get() as NonNullable<BackupManifest['sentinel']>
    return row
  })
}
