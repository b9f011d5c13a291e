/** What a statement is for: the closed list of values of the metric label `operation`. */
export const DATABASE_OPERATIONS = [
  'begin',
  'commit',
  'rollback',
  'savepoint',
  'checkpoint',
  'store',
  'recall',
  'replace',
  'delete',
  'forget',
  'import',
  'export',
  'index',
  'put_vectors',
  'read_vectors',
  'search_state',
  'search_terms',
  'search_rows',
  'search_days',
  'search_neighbours',
  'by_type',
  'stats',
] as const

export type DatabaseOperation = (typeof DATABASE_OPERATIONS)[number]

/** Between requests, or for many of them at once: measured, but no part of one request's trace. */
export const BACKGROUND_OPERATIONS: ReadonlySet<DatabaseOperation> = new Set([
  'index',
  'checkpoint',
  'read_vectors',
])
