import { errors } from 'undici'
import type { ServiceName } from '#catalog'
import { ServiceError } from './errors.ts'

/** A failure of the connection or of time, not an answer: this is what opens the breaker. */
export class TransportError extends ServiceError {
  readonly retryable: boolean
  constructor(code: 'UNAVAILABLE' | 'TIMEOUT', message: string, cause: unknown, retryable: boolean) {
    super(code, message, { cause })
    this.retryable = retryable
  }
}

const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
])

/** What undici and the network raise, as the breaker should see it; an abort by the caller passes unchanged. */
export function transportError(error: unknown, to: ServiceName): unknown {
  if (error instanceof ServiceError) return error
  if (error instanceof OutOfTime)
    return new TransportError('TIMEOUT', `${to} did not answer in time`, error, false)
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (error instanceof errors.RequestAbortedError || code === 'ABORT_ERR') return error
  return new TransportError('UNAVAILABLE', `${to} is unavailable`, error, NEVER_SENT.has(code))
}

/** The abort reason of a call whose own time ran out. */
export class OutOfTime extends Error {}
