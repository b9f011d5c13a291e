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
type Shape = 'rows' | 'arrays' | 'values'

/** The one door to the database: every statement is prepared once, timed, and accounted to its operation. */
export interface Statements {
  (operation: DatabaseOperation, sql: string): PreparedStatement
  /** Rows as arrays, or only their first column: for the inner loops of the search. */
  readonly raw: (operation: DatabaseOperation, sql: string) => PreparedStatement
  readonly pluck: (operation: DatabaseOperation, sql: string) => PreparedStatement
}

export function createStatements(db: Database.Database, timings: TimingLog): Statements {
  const prepared = {
    rows: new Map<string, PreparedStatement>(),
    arrays: new Map<string, PreparedStatement>(),
    values: new Map<string, PreparedStatement>(),
  }

  function prepare(shape: Shape, operation: DatabaseOperation, sql: string): PreparedStatement {
    const known = prepared[shape].get(sql)
    if (known !== undefined) return known
    const statement = db.prepare(sql)
    if (shape === 'arrays') statement.raw(true)
    if (shape === 'values') statement.pluck(true)
    const made = timed(statement, operation, timings)
    prepared[shape].set(sql, made)
    return made
  }

  return Object.assign((operation: DatabaseOperation, sql: string) => prepare('rows', operation, sql), {
    raw: (operation: DatabaseOperation, sql: string) => prepare('arrays', operation, sql),
    pluck: (operation: DatabaseOperation, sql: string) => prepare('values', operation, sql),
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
