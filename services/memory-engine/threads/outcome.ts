import { type ErrorCode, ServiceError } from '#chassis/errors.ts'
import type { PackedTimings } from '../database/timings.ts'

/** Result of a job in a form that crosses threads (classes do not). */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: PlainError }

export interface PlainError {
  readonly code: ErrorCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>> | undefined
  readonly retryAfterSeconds: number | undefined
  /** For the log only. */
  readonly cause: string | undefined
}

export interface Timed<T> {
  readonly outcome: Outcome<T>
  readonly timings: PackedTimings
}

export function succeeded<T>(value: T): Outcome<T> {
  return { ok: true, value }
}

export function failed(error: ServiceError): Outcome<never> {
  return { ok: false, error: plainError(error) }
}

export function plainError(error: ServiceError): PlainError {
  const { code, message, details, retryAfterSeconds } = error
  return { code, message, details, retryAfterSeconds, cause: causeText(error) }
}

function causeText(error: ServiceError): string | undefined {
  const { cause } = error
  if (!(cause instanceof Error)) return undefined
  return 'code' in cause ? `${String(cause.code)}: ${cause.message}` : cause.message
}

/** The value, or the error thrown on this side of the thread. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value
  const { code, message, details, retryAfterSeconds, cause } = outcome.error
  throw new ServiceError(code, message, {
    ...(details === undefined ? {} : { details }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(cause === undefined ? {} : { cause: new Error(cause) }),
  })
}
