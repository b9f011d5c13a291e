import type Database from 'better-sqlite3'
import type { ServiceError } from '#chassis/errors.ts'
import { type DatabaseSettings, openForWriting } from '../database/open-database.ts'
import { asServiceError, needsReopening } from '../database/sqlite-failure.ts'
import { type Statements, createStatements } from '../database/statements.ts'
import { createTimingLog } from '../database/timings.ts'
import { type Outcome, failed, plainError, succeeded } from '../threads/outcome.ts'
import { applyWrite } from './apply-write.ts'
import { type TextIndex, createTextIndex } from './text-index.ts'
import type { Forgotten, WriteJob, WriteKind, WriteOperation, WriteReply, WriteResults } from './write-job.ts'

export interface GroupWriterSettings {
  readonly settings: DatabaseSettings
  readonly makeId: () => string
  readonly monotonicMs: () => number
}

/** Rows that may wait for the full-text index: a search reads and judges each of them one by one. */
const PENDING_ROWS_MAX = 128
const QUIET_MS = 5
const REOPEN_AFTER_MS = 1000
const SLEEP_MS = 60_000
const ERASE_RETRY_MS = 20

interface OpenDatabase {
  readonly db: Database.Database
  readonly statement: Statements
  readonly index: TextIndex
}

type Result = WriteResults[WriteKind]

/** The one writer: a group of operations, one transaction, one fsync. Lives as long as its thread. */
export class GroupWriter {
  readonly #config: GroupWriterSettings
  #open: OpenDatabase | undefined
  #failure: ServiceError | undefined
  #triedAtMs = Number.NEGATIVE_INFINITY
  #wroteAtMs = 0
  readonly #timings = createTimingLog(performance.timeOrigin)
  #items = 0
  /** Rows the index may lack; more than there are is harmless, fewer would leave them out. */
  #pending = PENDING_ROWS_MAX
  #mustCutLog = false

  constructor(config: GroupWriterSettings) {
    this.#config = config
  }

  /** What this connection runs with; opens the database when it is not. */
  settings(): Readonly<Record<string, unknown>> {
    const names = ['journal_mode', 'synchronous', 'secure_delete', 'foreign_keys', 'mmap_size']
    const db = this.#ready()?.db
    return Object.fromEntries(names.map((name) => [name, db?.pragma(name, { simple: true })]))
  }

  /** An outcome for each operation; never throws. */
  commit(job: WriteJob): WriteReply {
    const outcomes = this.#attempt(job)
    const failure = this.#open === undefined && this.#failure !== undefined ? plainError(this.#failure) : null
    return { outcomes, failure, timings: this.#timings.take(), items: this.#items }
  }

  /** Under steady load the index is fed between groups, while the callers are busy with their answers. */
  afterReply(): void {
    if (this.#pending >= PENDING_ROWS_MAX) this.#feedIndex()
  }

  /** Work for quiet moments; answers how long the thread may sleep. */
  idle(): number {
    if (this.#ready() === undefined) return REOPEN_AFTER_MS
    if (this.#pending > 0 || this.#mustCutLog) {
      const quietMs = this.#config.monotonicMs() - this.#wroteAtMs
      if (quietMs < QUIET_MS) return QUIET_MS - quietMs
    }
    if (this.#pending > 0) return this.#feedIndex() ? 0 : REOPEN_AFTER_MS
    if (this.#mustCutLog && !this.#cutLog()) return ERASE_RETRY_MS
    return SLEEP_MS
  }

  close(): void {
    if (this.#open === undefined) return
    while (this.#pending > 0 && this.#feedIndex());
    this.#cutLog()
    this.#open?.db.close()
    this.#open = undefined
  }

  #attempt(job: WriteJob): Outcome<Result>[] {
    const open = this.#ready()
    if (open === undefined) return this.#failAll(job)
    if (job.length === 0) return []
    try {
      const carryOut = () => job.map((operation) => this.#one(open, job, operation))
      // A single row is a transaction of its own: two statements less to wait for.
      const isSingleRow = job.length === 1 && job[0]?.kind === 'store'
      const outcomes = isSingleRow ? carryOut() : this.#transaction(open, carryOut)
      this.#wroteAtMs = this.#config.monotonicMs()
      this.#account(job, outcomes)
      return this.#erase(job, outcomes)
    } catch (error) {
      this.#fail(error)
      return this.#failAll(job)
    }
  }

  /** One operation among others fails alone; what ends the transaction fails them all. */
  #one(open: OpenDatabase, job: WriteJob, operation: WriteOperation): Outcome<Result> {
    const tools = { statement: open.statement, index: open.index, makeId: this.#config.makeId }
    const guarded = job.length > 1 && operation.kind !== 'store'
    if (guarded) open.statement('savepoint', 'SAVEPOINT one').run()
    try {
      const value = applyWrite(operation, tools)
      if (guarded) open.statement('savepoint', 'RELEASE one').run()
      return succeeded(value)
    } catch (error) {
      if (!open.db.inTransaction || job.length === 1) throw error
      if (guarded) open.statement('savepoint', 'ROLLBACK TO one').run()
      return failed(asServiceError(error))
    }
  }

  #transaction<T>({ db, statement }: OpenDatabase, work: () => T): T {
    statement('begin', 'BEGIN IMMEDIATE').run()
    try {
      const result = work()
      statement('commit', 'COMMIT').run()
      return result
    } catch (error) {
      if (db.inTransaction) statement('rollback', 'ROLLBACK').run()
      throw error
    }
  }

  #account(job: WriteJob, outcomes: readonly Outcome<Result>[]): void {
    for (const [place, outcome] of outcomes.entries()) {
      const operation = job[place]
      if (!outcome.ok || operation === undefined) continue
      const { added, removed } = effect(operation, outcome.value)
      this.#items += added - removed
      this.#pending += added
    }
  }

  /** What was forgotten is gone from the table; old pages of it are still in the log until that is cut. */
  #erase(job: WriteJob, outcomes: Outcome<Result>[]): Outcome<Result>[] {
    if (!job.some((operation) => operation.kind === 'forget')) return outcomes
    this.#mustCutLog = true
    // Where a part is left the next one comes at once, and a reader that holds the log is waited for each time.
    const forgotten = outcomes.map((outcome, place) =>
      outcome.ok && job[place]?.kind === 'forget' ? (outcome.value as Forgotten) : undefined,
    )
    if (!forgotten.some((part) => part?.hasRest === false)) return outcomes
    const erased = this.#cutLog()
    return outcomes.map((outcome, place) => {
      const part = forgotten[place]
      return part === undefined ? outcome : succeeded({ ...part, erased })
    })
  }

  #cutLog(): boolean {
    const rows = this.#open
      ?.statement('checkpoint', 'PRAGMA wal_checkpoint(TRUNCATE)')
      .all<{ busy: number }>()
    const isCut = rows?.[0]?.busy === 0
    if (isCut) this.#mustCutLog = false
    return isCut
  }

  /** False when it failed; the rows stay searchable one by one and the next quiet moment tries again. */
  #feedIndex(): boolean {
    const open = this.#ready()
    if (open === undefined) return false
    try {
      const taken = this.#transaction(open, () => open.index.takePending(PENDING_ROWS_MAX))
      this.#pending = taken < PENDING_ROWS_MAX ? 0 : Math.max(1, this.#pending - taken)
      return true
    } catch (error) {
      this.#fail(error)
      return false
    }
  }

  #ready(): OpenDatabase | undefined {
    if (this.#open !== undefined) return this.#open
    const nowMs = this.#config.monotonicMs()
    if (nowMs - this.#triedAtMs < REOPEN_AFTER_MS) return undefined
    this.#triedAtMs = nowMs
    try {
      this.#open = this.#openDatabase()
      this.#failure = undefined
    } catch (error) {
      this.#failure = asServiceError(error)
    }
    return this.#open
  }

  #openDatabase(): OpenDatabase {
    const db = openForWriting(this.#config.settings)
    const statement = createStatements(db, this.#timings)
    this.#items =
      statement('stats', 'SELECT count(*) AS items FROM memories').get<{ items: number }>()?.items ?? 0
    this.#pending = PENDING_ROWS_MAX
    return { db, statement, index: createTextIndex(statement) }
  }

  #fail(error: unknown): void {
    this.#failure = asServiceError(error)
    if (!needsReopening(this.#failure)) return
    this.#open?.db.close()
    this.#open = undefined
    this.#triedAtMs = this.#config.monotonicMs()
  }

  #failAll(job: WriteJob): Outcome<Result>[] {
    const error = this.#failure ?? asServiceError(new Error('database not open'))
    return job.map(() => failed(error))
  }
}

function effect(
  operation: WriteOperation,
  value: Result,
): { readonly added: number; readonly removed: number } {
  switch (operation.kind) {
    case 'store':
      return { added: 1, removed: 0 }
    case 'import':
      return { added: (value as WriteResults['import']).imported, removed: 0 }
    case 'delete':
      return { added: 0, removed: value === true ? 1 : 0 }
    case 'forget':
      return { added: 0, removed: (value as Forgotten).ids.length }
    case 'replace':
    case 'put_vectors':
      return { added: 0, removed: 0 }
  }
}
