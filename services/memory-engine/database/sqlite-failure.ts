import { type ErrorCode, ServiceError } from '#chassis/errors.ts'

/** Closed list: what the database can suffer from, as callers and operators see it. */
export type DatabaseReason =
  | 'DATABASE_LOCKED'
  | 'DATABASE_FULL'
  | 'DATABASE_READONLY'
  | 'DATABASE_CORRUPT'
  | 'DATABASE_IO'
  | 'DATABASE_MISSING'
  | 'DATABASE_NEWER'
  | 'DATABASE_FOREIGN'
  | 'SQLITE_TOO_OLD'

interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly retryAfterSeconds?: number
}

const FAILURES: Readonly<Record<DatabaseReason, Failure>> = {
  DATABASE_LOCKED: {
    code: 'UNAVAILABLE',
    message: 'The memory database is locked by another program',
    retryAfterSeconds: 1,
  },
  DATABASE_FULL: {
    code: 'UNAVAILABLE',
    message: 'No space is left for the memory database',
    retryAfterSeconds: 30,
  },
  DATABASE_READONLY: {
    code: 'UNAVAILABLE',
    message: 'The memory database cannot be written',
    retryAfterSeconds: 30,
  },
  DATABASE_CORRUPT: { code: 'INTERNAL_ERROR', message: 'The memory database is damaged: restore a backup' },
  DATABASE_IO: { code: 'INTERNAL_ERROR', message: 'Reading or writing the memory database failed' },
  DATABASE_MISSING: {
    code: 'UNAVAILABLE',
    message: 'The memory database cannot be opened',
    retryAfterSeconds: 5,
  },
  DATABASE_NEWER: {
    code: 'UNAVAILABLE',
    message: 'The memory database was written by a newer version of SONIA',
  },
  DATABASE_FOREIGN: { code: 'UNAVAILABLE', message: 'The memory database belongs to another program' },
  SQLITE_TOO_OLD: {
    code: 'UNAVAILABLE',
    message: 'This SQLite can corrupt a database written by two connections',
  },
}

/** Primary result code of SQLite (its name before a second underscore) -> what it means here. */
const REASON_BY_RESULT: Readonly<Record<string, DatabaseReason>> = {
  SQLITE_BUSY: 'DATABASE_LOCKED',
  SQLITE_LOCKED: 'DATABASE_LOCKED',
  SQLITE_FULL: 'DATABASE_FULL',
  SQLITE_READONLY: 'DATABASE_READONLY',
  SQLITE_PERM: 'DATABASE_READONLY',
  SQLITE_CORRUPT: 'DATABASE_CORRUPT',
  SQLITE_NOTADB: 'DATABASE_CORRUPT',
  SQLITE_IOERR: 'DATABASE_IO',
  SQLITE_CANTOPEN: 'DATABASE_MISSING',
}

/** The same where the file is made before SQLite sees it. */
const REASON_BY_ERRNO: Readonly<Record<string, DatabaseReason>> = {
  EACCES: 'DATABASE_READONLY',
  EPERM: 'DATABASE_READONLY',
  EROFS: 'DATABASE_READONLY',
  ENOSPC: 'DATABASE_FULL',
  EDQUOT: 'DATABASE_FULL',
  ENOENT: 'DATABASE_MISSING',
  EIO: 'DATABASE_IO',
}

export function databaseFailure(reason: DatabaseReason, cause?: unknown): ServiceError {
  const { code, message, retryAfterSeconds } = FAILURES[reason]
  return new ServiceError(code, message, {
    details: { reason },
    ...(cause === undefined ? {} : { cause }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })
}

/** Any error of a database call as a ServiceError; what is not SQLite's own is an INTERNAL_ERROR. */
export function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  const reason = reasonOf(error)
  if (reason !== undefined) return databaseFailure(reason, error)
  return new ServiceError('INTERNAL_ERROR', 'The memory database refused the request', { cause: error })
}

function reasonOf(error: unknown): DatabaseReason | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code !== 'string') return undefined
  if (!code.startsWith('SQLITE_')) return REASON_BY_ERRNO[code]
  // A full disk shows as an I/O error when it strikes the shared-memory file.
  if (code === 'SQLITE_IOERR_SHMSIZE') return 'DATABASE_FULL'
  const primary = code.split('_').slice(0, 2).join('_')
  return REASON_BY_RESULT[primary]
}

/** The database itself is unusable and must be opened again before the next operation. */
export function needsReopening(error: ServiceError): boolean {
  const reason = error.details?.['reason']
  return (
    reason === 'DATABASE_CORRUPT' ||
    reason === 'DATABASE_IO' ||
    reason === 'DATABASE_READONLY' ||
    reason === 'DATABASE_MISSING'
  )
}
