import type Database from 'better-sqlite3'
import type { TimingLog } from './timings.ts'
import type { DatabaseOperation } from './operations.ts'

export type Value = string | number | bigint | Buffer | Uint8Array | null

export interface PreparedStatement {
  get<Row>(...values: readonly Value[]): Row | undefined
  all<Row>(...values: readonly Value[]): Row[]
  run(...values: readonly Value[]): Database.RunResult
}

/** The one door to the database: every statement is prepared once, timed, and accounted to its operation. */
export interface Statements {
  (operation: DatabaseOperation, sql: string): PreparedStatement
  /** Rows as arrays: for the inner loops of the search. */
  readonly raw: (operation: DatabaseOperation, sql: string) => PreparedStatement
}

export function createStatements(db: Database.Database, timings: TimingLog): Statements {
  const named = new Map<string, PreparedStatement>()
  const arrays = new Map<string, PreparedStatement>()

  function statement(operation: DatabaseOperation, sql: string, raw: boolean): PreparedStatement {
    const known = (raw ? arrays : named).get(sql)
    if (known !== undefined) return known
    const prepared = db.prepare(sql)
    if (raw) prepared.raw(true)
    const made = timed(prepared, operation, timings)
    ;(raw ? arrays : named).set(sql, made)
    return made
  }

  return Object.assign((operation: DatabaseOperation, sql: string) => statement(operation, sql, false), {
    raw: (operation: DatabaseOperation, sql: string) => statement(operation, sql, true),
  })
}

function timed(
  statement: Database.Statement,
  operation: DatabaseOperation,
  timings: TimingLog,
): PreparedStatement {
  function time<T>(call: () => T): T {
    const startedMs = performance.now()
    try {
      return call()
    } finally {
      timings.record(operation, startedMs, performance.now() - startedMs)
    }
  }
  return {
    get: <Row>(...values: readonly Value[]) => time(() => statement.get(...values) as Row | undefined),
    all: <Row>(...values: readonly Value[]) => time(() => statement.all(...values) as Row[]),
    run: (...values) => time(() => statement.run(...values)),
  }
}
