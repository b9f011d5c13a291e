import type Database from 'better-sqlite3'
import { APPLICATION_ID, MIGRATIONS } from './migrations.ts'
import { databaseFailure } from './sqlite-failure.ts'

/** Refuses a database of a later version or of another program; writes nothing. */
export function assertKnown(db: Database.Database, migrations: readonly string[] = MIGRATIONS): void {
  const version = readVersion(db)
  assertOurs(db, version)
  if (version > migrations.length) {
    throw databaseFailure('DATABASE_NEWER', new Error(`schema ${version}, known ${migrations.length}`))
  }
}

/** Brings the schema to the present version, one transaction per step. */
export function migrate(db: Database.Database, migrations: readonly string[] = MIGRATIONS): void {
  assertKnown(db, migrations)
  const version = readVersion(db)
  for (const [index, sql] of migrations.entries()) {
    if (index >= version) step(db, sql, index + 1)
  }
}

function step(db: Database.Database, sql: string, reaches: number): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    // Another process may have migrated between our look and our lock.
    if (readVersion(db) < reaches) {
      db.exec(sql)
      db.pragma(`application_id = ${APPLICATION_ID}`)
      db.pragma(`user_version = ${reaches}`)
    }
    db.exec('COMMIT')
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function readVersion(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}

/** A new file has no tables; anything else must carry our application id. */
function assertOurs(db: Database.Database, version: number): void {
  const applicationId = Number(db.pragma('application_id', { simple: true }))
  if (applicationId === APPLICATION_ID) return
  const tables = Number(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get())
  if (version !== 0 || tables !== 0) throw databaseFailure('DATABASE_FOREIGN')
}
