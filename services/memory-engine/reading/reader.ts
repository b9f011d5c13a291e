import type Database from 'better-sqlite3'
import { type DatabaseSettings, openForReading } from '../database/open-database.ts'
import { asServiceError, needsReopening } from '../database/sqlite-failure.ts'
import { type Statements, createStatements } from '../database/statements.ts'
import { createTimingLog } from '../database/timings.ts'
import { failed, succeeded } from '../threads/outcome.ts'
import { applyRead } from './apply-read.ts'
import type { ReadOperation, ReadReply } from './read-job.ts'

/** One reading connection; opened with the first read, opened again after a failure. Lives as long as its thread. */
export class Reader {
  readonly #settings: DatabaseSettings
  readonly #timings = createTimingLog(performance.timeOrigin)
  #open: { readonly db: Database.Database; readonly statement: Statements } | undefined

  constructor(settings: DatabaseSettings) {
    this.#settings = settings
  }

  read(operation: ReadOperation): ReadReply {
    try {
      const value = this.#inSnapshot((statement) => applyRead(operation, statement))
      return { outcome: succeeded(value), timings: this.#timings.take() }
    } catch (error) {
      const failure = asServiceError(error)
      if (needsReopening(failure)) this.close()
      return { outcome: failed(failure), timings: this.#timings.take() }
    }
  }

  close(): void {
    this.#open?.db.close()
    this.#open = undefined
  }

  #inSnapshot<T>(read: (statement: Statements) => T): T {
    const { db, statement } = this.#ensureOpen()
    statement('begin', 'BEGIN').run()
    try {
      return read(statement)
    } finally {
      // A snapshot that stayed open would keep the log from being cut.
      if (db.inTransaction) statement('commit', 'COMMIT').run()
    }
  }

  #ensureOpen() {
    if (this.#open === undefined) {
      const db = openForReading(this.#settings)
      this.#open = { db, statement: createStatements(db, this.#timings) }
    }
    return this.#open
  }
}
