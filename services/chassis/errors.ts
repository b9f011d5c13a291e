/**
 * The one table of codes. A status follows from its code, callers compare codes and never messages.
 * Pure data and one class: gates and the supervisor may import this file.
 */
export const ERROR_TABLE = {
  OK: { status: 200, meaning: 'done' },
  DEGRADED: { status: 200, meaning: 'done, while something that was configured failed; see warning' },
  INVALID_ARGUMENT: {
    status: 400,
    meaning: 'the request is malformed (422: required body field absent or of the wrong type)',
  },
  UNAUTHORIZED: { status: 401, meaning: 'no credential, or one that does not hold' },
  FORBIDDEN: { status: 403, meaning: 'known caller, but policy does not allow this' },
  NOT_FOUND: { status: 404, meaning: 'no such resource or route' },
  TIMEOUT: { status: 408, meaning: 'not finished within the deadline' },
  CONFLICT: { status: 409, meaning: 'contradicts the present state' },
  TOO_LARGE: { status: 413, meaning: 'body, header, URL or result over its bound' },
  RATE_LIMITED: { status: 429, meaning: 'too many requests; Retry-After says when' },
  INTERNAL_ERROR: { status: 500, meaning: 'a fault of the service; the cause is in the log' },
  UNAVAILABLE: { status: 503, meaning: 'a dependency is down, or the service is draining or overloaded' },
} as const

export type ResultCode = keyof typeof ERROR_TABLE
export type ErrorCode = Exclude<ResultCode, 'OK'>

/** HTTP status of each error code. */
export const ERROR_CODES = Object.fromEntries(
  Object.entries(ERROR_TABLE)
    .filter(([code]) => code !== 'OK')
    .map(([code, entry]) => [code, entry.status]),
) as { readonly [C in ErrorCode]: (typeof ERROR_TABLE)[C]['status'] }

/** Status of INVALID_ARGUMENT where a required body field is absent or of the wrong type. */
const UNPROCESSABLE_STATUS = 422

export interface ServiceErrorOptions {
  /** Goes to the log, never to the caller. */
  readonly cause?: unknown
  /** Goes to the caller: no paths, SQL, secrets or stacks. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly retryAfterSeconds?: number
  /** Only for INVALID_ARGUMENT: 422 instead of 400. */
  readonly unprocessable?: boolean
}

/** An expected failure. The message is public text; what is not public goes into `cause`. */
export class ServiceError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly details: Readonly<Record<string, unknown>> | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, message: string, options: ServiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ServiceError'
    this.code = code
    this.status = options.unprocessable === true ? UNPROCESSABLE_STATUS : ERROR_CODES[code]
    this.details = options.details
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'NOT_FOUND',
  408: 'TIMEOUT',
  409: 'CONFLICT',
  413: 'TOO_LARGE',
  414: 'TOO_LARGE',
  415: 'INVALID_ARGUMENT',
  422: 'INVALID_ARGUMENT',
  429: 'RATE_LIMITED',
  431: 'TOO_LARGE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'TIMEOUT',
}

/** Code for an HTTP status, also for statuses that only frameworks send. */
export function codeForStatus(status: number): ResultCode {
  if (status < 400) return 'OK'
  const known = CODE_BY_STATUS[status]
  if (known !== undefined) return known
  return status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL_ERROR'
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && value !== 'OK' && Object.hasOwn(ERROR_TABLE, value)
}
