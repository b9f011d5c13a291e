import { createHash, type Hash } from 'node:crypto'
import { closeSync, fdatasyncSync, openSync } from 'node:fs'
import Database from 'better-sqlite3'
import { BackupError } from './backup-error.ts'
import type { BackupManifest, TableFacts } from './manifest.ts'

const BUSY_TIMEOUT_MS = 10_000
/** Text is hashed in pieces of so many characters: one call for each row would cost as much as the row. */
const HASHED_CHARACTERS = 1 << 16

export interface DatabaseCopy {
  readonly from: string
  readonly to: string
  /** Somebody writes to it meanwhile: the copy goes to the disk bit by bit, so that no write of theirs waits for all of it. */
  readonly isServed: boolean
}

/**
 * Copies a live database as it stood at one moment, and says what it held then. The read transaction pins that moment,
 * so that writers of other processes go on and the copy neither waits for them nor starts again (a stepped online
 * backup without it does). A copy cannot vouch for itself: its rows are counted in the source too. They are not read
 * there, because as long as the moment is pinned, the writers' log grows, and they pay for it afterwards.
 */
export async function copyDatabase({ from, to, isServed }: DatabaseCopy): Promise<DatabaseContents> {
  const counted = await copyPinned({ from, to, isServed })
  // One file, without -wal and -shm beside it: what is hashed is all there is.
  withDatabase(to, (copy) => copy.pragma('journal_mode = DELETE'))
  const contents = readContents(to)
  refuseOtherRows(counted, new Map(contents.facts.tables.map(({ name, rows }) => [name, rows])), from)
  return contents
}

type RowCounts = ReadonlyMap<string, number>

function refuseOtherRows(source: RowCounts, copy: RowCounts, on: string): void {
  const names = new Set([...source.keys(), ...copy.keys()])
  for (const name of names) {
    if (source.get(name) === copy.get(name)) continue
    const said = `${on}: ${name} has ${source.get(name) ?? 'no'} rows, its copy ${copy.get(name) ?? 'none'}`
    throw new BackupError('ROWS_DIFFER', said, { hint: 'look at the disk, then run it again' })
  }
}

/** Returns how many rows each ordinary table of the source had. */
async function copyPinned({ from, to, isServed }: DatabaseCopy): Promise<RowCounts> {
  const source = new Database(from, { readonly: true, timeout: BUSY_TIMEOUT_MS })
  try {
    source.exec('BEGIN')
    // Reads, and by that begins the transaction.
    source.prepare('SELECT count(*) FROM sqlite_schema').get()
    const counted = new Map(ordinaryTables(source).map(({ name }) => [name, countRows(source, name)]))
    await (isServed ? copyBitByBit(source, to) : source.backup(to))
    source.exec('COMMIT')
    return counted
  } finally {
    source.close()
  }
}

function countRows(database: Database.Database, table: string): number {
  return database
    .prepare(`SELECT count(*) FROM ${quoted(table)}`)
    .pluck()
    .get() as number
}

/** 128 KiB, synced each time: measured with writers beside it, more at once makes them wait (docs/measurements). */
const BIT_PAGES = 32

async function copyBitByBit(source: Database.Database, to: string): Promise<void> {
  let copy: number | null = null
  try {
    await source.backup(to, {
      progress: () => {
        copy ??= openSync(to, 'r')
        fdatasyncSync(copy)
        return BIT_PAGES
      },
    })
  } finally {
    if (copy !== null) closeSync(copy)
  }
}

export function withDatabase<T>(path: string, work: (database: Database.Database) => T): T {
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
  readonly tables: TableFacts[]
}

export interface DatabaseContents {
  readonly facts: DatabaseFacts
  readonly sentinel: BackupManifest['sentinel']
}

export function readContents(path: string): DatabaseContents {
  return withDatabase(path, contentsOf)
}

/** Row count and content hash of every ordinary table; what an index holds is checked against its table instead. */
function contentsOf(database: Database.Database): DatabaseContents {
  const facts = {
    schema_version: Number(database.pragma('user_version', { simple: true })),
    tables: ordinaryTables(database).map((table) => tableFacts(database, table)),
  }
  return { facts, sentinel: sentinelOf(database) }
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
  let text = ''
  for (const row of statement.iterate() as IterableIterator<readonly unknown[]>) {
    text = addRow(hash, text, row)
    rows += 1
  }
  return { name, rows, sha256: hash.update(text).digest('hex') }
}

function primaryKey(database: Database.Database, table: string): string {
  const columns = database.pragma(`table_info(${quoted(table)})`) as readonly { name: string; pk: number }[]
  const key = columns.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk)
  return key.map(({ name }) => quoted(name)).join(', ')
}

/** A name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * Adds a row to what is hashed; returns the text that still waits for more of it.
 * Type and length go before each value: no two different rows give the same bytes.
 */
function addRow(hash: Hash, waiting: string, row: readonly unknown[]): string {
  let text = waiting
  for (const value of row) {
    if (Buffer.isBuffer(value)) {
      hash.update(`${text}b${value.length}:`)
      hash.update(value)
      text = ''
    } else text += scalarText(value)
  }
  text += '\n'
  if (text.length < HASHED_CHARACTERS) return text
  hash.update(text)
  return ''
}

function scalarText(value: unknown): string {
  if (typeof value === 'string') return `s${value.length}:${value}`
  if (typeof value === 'bigint') return `i${value};`
  return typeof value === 'number' ? `f${value};` : 'n'
}

/** The newest memory of a memory database; null for another database. */
function sentinelOf(database: Database.Database): BackupManifest['sentinel'] {
  const has = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'memories'").get()
  if (has === undefined) return null
  return database
    .prepare(
      'SELECT count(*) AS memories, coalesce(max(seq), 0) AS last_seq, coalesce(max(created_at_ms), 0) AS last_created_at_ms FROM memories',
    )
    .get() as NonNullable<BackupManifest['sentinel']>
}
