/** What can go wrong with one attempt at one provider. Routing decides by kind alone, never by message. */
export type FaultKind =
  | 'refused'
  | 'connect_timeout'
  | 'first_token_timeout'
  | 'complete_timeout'
  | 'stalled'
  | 'cut'
  | 'malformed'
  | 'server_error'
  | 'rate_limited'
  | 'unauthorized'
  | 'unknown_model'
  | 'rejected'
  | 'address_refused'
  | 'busy'
  | 'breaker_open'

export class UpstreamFault extends Error {
  override readonly name = 'UpstreamFault'
  readonly kind: FaultKind
  readonly retryAfterMs: number | null

  constructor(
    kind: FaultKind,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | null } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.kind = kind
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}

/** The answer broke off after its first token: moving the request on silently is no longer possible. */
export class BrokenAnswer extends Error {
  override readonly name = 'BrokenAnswer'
  readonly fault: UpstreamFault

  constructor(fault: UpstreamFault) {
    super(fault.message, { cause: fault })
    this.fault = fault
  }
}

/** The caller has gone or its deadline has passed: nobody's fault upstream. */
export class CallerGone extends Error {
  override readonly name = 'CallerGone'
}

const AGAINST_HEALTH: ReadonlySet<FaultKind> = new Set([
  'refused',
  'connect_timeout',
  'first_token_timeout',
  'complete_timeout',
  'stalled',
  'cut',
  'malformed',
  'server_error',
])

/** Whether the fault says something about the health of the provider, and so counts for its breaker. */
export function countsAgainstHealth(error: unknown): boolean {
  const fault = error instanceof BrokenAnswer ? error.fault : error
  return fault instanceof UpstreamFault && AGAINST_HEALTH.has(fault.kind)
}

const RETRY_AFTER_MS_DEFAULT = 5_000
const RETRY_AFTER_MS_MAX = 300_000

/** The fault that an HTTP status of a provider stands for. The body is not quoted: it may hold the request's text. */
export function faultOfStatus(status: number, retryAfter: string | undefined, nowMs: number): UpstreamFault {
  const message = `provider answered ${status}`
  if (status === 429) {
    return new UpstreamFault('rate_limited', message, { retryAfterMs: parseRetryAfterMs(retryAfter, nowMs) })
  }
  if (status === 401 || status === 403) return new UpstreamFault('unauthorized', message)
  if (status === 404) return new UpstreamFault('unknown_model', message)
  if (status === 408 || status === 409 || status >= 500 || status < 400) {
    return new UpstreamFault('server_error', message)
  }
  return new UpstreamFault('rejected', message)
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3), bounded: a provider cannot lock itself out for days. */
export function parseRetryAfterMs(value: string | undefined, nowMs: number): number {
  const text = value?.trim() ?? ''
  const seconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  if (Number.isNaN(seconds)) return RETRY_AFTER_MS_DEFAULT
  return Math.min(Math.max(seconds, 0), RETRY_AFTER_MS_MAX)
}
