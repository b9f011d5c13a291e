import type { Span, Tracer } from '@opentelemetry/api'
import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel'
import type { Readable } from 'node:stream'
import { Pool } from 'undici'
import type { ServiceName } from '#catalog'
import type { CallContext } from './call-context.ts'
import { createClientDurations } from './client-durations.ts'
import type { Clock } from './clock.ts'
import { CORRELATION_HEADER } from './correlation.ts'
import { DEADLINE_HEADER } from './deadline.ts'
import { ServiceError } from './errors.ts'
import type { ServiceMetrics } from './metrics.ts'
import {
  answeredError,
  flatHeaders,
  parseBody,
  type RawResponse,
  readText,
  TOKEN_REFUSED_HEADER,
} from './neighbour-answer.ts'
import { OutOfTime, TransportError, transportError } from './neighbour-errors.ts'
import { createRetries } from './retries.ts'
import type { TokenSource } from './tokens.ts'
import { markFailed, startClientSpan, traceHeaders } from './tracing.ts'

export interface NeighbourRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** At most what the call has left; 10 s unless said otherwise. */
  readonly timeoutMs?: number
  /** May be repeated. Reads are, everything else only if said so. */
  readonly idempotent?: boolean
}

export interface NeighbourAnswer<T> {
  readonly status: number
  readonly body: T
  readonly headers: Record<string, string>
  readonly durationMs: number
}

interface NeighbourStream {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: Readable
}

/**
 * Calls onward. What is not 2xx throws: the neighbour's own code where it sent an envelope, UNAVAILABLE where it could
 * not be reached or its breaker is open, TIMEOUT where the time ran out.
 */
export interface Neighbours {
  call<T>(to: ServiceName, request: NeighbourRequest, call: CallContext): Promise<NeighbourAnswer<T>>
  /** The body as it comes; the caller reads it to the end or destroys it. Never repeated. */
  stream(to: ServiceName, request: NeighbourRequest, call: CallContext): Promise<NeighbourStream>
  state(to: ServiceName): { readonly breaker: 'closed' | 'open' | 'half_open' }
}

export interface NeighbourParts {
  readonly originOf: (to: ServiceName) => string
  readonly tokens: TokenSource
  readonly clock: Clock
  readonly tracer: Tracer
  readonly metrics: ServiceMetrics
}

const DEFAULT_TIMEOUT_MS = 10_000
const CONNECT_TIMEOUT_MS = 500
const CONNECTIONS_MAX = 64
const BREAKER_FAILURES = 5
const BREAKER_OPEN_MS = 1_000

interface Destination {
  readonly to: ServiceName
  readonly pool: Pool
  readonly breaker: ReturnType<typeof circuitBreaker>
  readonly record: ReturnType<typeof createClientDurations>
}

export function createNeighbours(parts: NeighbourParts): Neighbours & { close(): Promise<void> } {
  const destinations = new Map<ServiceName, Destination>()
  const record = createClientDurations()
  const retries = createRetries({
    isRetryable: (error) =>
      error instanceof TransportError
        ? error.retryable
        : error instanceof ServiceError && error.status === 503,
    onRetry: (to) => parts.metrics.counter('sonia_client_retries_total').inc({ destination: to }),
  })
  const destinationOf = (to: ServiceName): Destination => {
    const known = destinations.get(to) ?? createDestination(to, parts, record)
    destinations.set(to, known)
    return known
  }
  return {
    async call<T>(
      to: ServiceName,
      request: NeighbourRequest,
      call: CallContext,
    ): Promise<NeighbourAnswer<T>> {
      const idempotent = request.idempotent ?? request.method === 'GET'
      const attempt = () => callOnce<T>(destinationOf(to), request, call, parts)
      return idempotent ? retries.run(to, attempt, call.signal) : attempt()
    },
    stream: (to, request, call) => streamOnce(destinationOf(to), request, call, parts),
    state: (to) => ({ breaker: breakerName(destinationOf(to).breaker.state) }),
    close: async () => {
      await Promise.all([...destinations.values()].map(({ pool }) => pool.destroy()))
    },
  }
}

function createDestination(
  to: ServiceName,
  parts: NeighbourParts,
  record: Destination['record'],
): Destination {
  const pool = new Pool(parts.originOf(to), {
    connections: CONNECTIONS_MAX,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // Time is bounded per call, by its deadline.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof TransportError),
    { halfOpenAfter: BREAKER_OPEN_MS, breaker: new ConsecutiveBreaker(BREAKER_FAILURES) },
  )
  const gauge = parts.metrics.gauge('sonia_breaker_state')
  const report = () => gauge.set({ destination: to }, BREAKER_VALUES[breakerName(breaker.state)])
  report()
  breaker.onStateChange(report)
  return { to, pool, breaker, record }
}

const BREAKER_VALUES = { closed: 0, half_open: 0.5, open: 1 } as const

function breakerName(state: CircuitState): 'closed' | 'open' | 'half_open' {
  if (state === CircuitState.Closed) return 'closed'
  return state === CircuitState.HalfOpen ? 'half_open' : 'open'
}

async function callOnce<T>(
  destination: Destination,
  request: NeighbourRequest,
  call: CallContext,
  parts: NeighbourParts,
): Promise<NeighbourAnswer<T>> {
  const startedAtMs = parts.clock.monotonicMs()
  const exchange = openExchange(destination, request, call, parts)
  try {
    return await guarded(destination, async () => {
      const response = await send(destination, request, call, { ...exchange, parts })
      const text = await readText(response)
      exchange.span.setAttribute('http.response.status_code', response.statusCode)
      const headers = flatHeaders(response.headers)
      if (response.statusCode >= 300) throw answeredError(destination.to, response.statusCode, text, headers)
      const durationMs = parts.clock.monotonicMs() - startedAtMs
      return { status: response.statusCode, body: parseBody<T>(text, destination.to), headers, durationMs }
    })
  } catch (error) {
    const failure = exchange.translate(error)
    markFailed(exchange.span, failure)
    throw failure
  } finally {
    exchange.close()
    exchange.span.end()
  }
}

async function streamOnce(
  destination: Destination,
  request: NeighbourRequest,
  call: CallContext,
  parts: NeighbourParts,
): Promise<NeighbourStream> {
  const exchange = openExchange(destination, request, call, parts)
  const end = () => {
    exchange.close()
    exchange.span.end()
  }
  try {
    return await guarded(destination, async () => {
      const response = await send(destination, request, call, { ...exchange, parts })
      exchange.span.setAttribute('http.response.status_code', response.statusCode)
      const headers = flatHeaders(response.headers)
      if (response.statusCode >= 300) {
        throw answeredError(destination.to, response.statusCode, await readText(response), headers)
      }
      response.body.once('close', end)
      return { status: response.statusCode, headers, body: response.body }
    })
  } catch (error) {
    const failure = exchange.translate(error)
    markFailed(exchange.span, failure)
    end()
    throw failure
  }
}

/** Through the breaker; an open one refuses without a connection. */
async function guarded<T>(destination: Destination, fn: () => Promise<T>): Promise<T> {
  try {
    return await destination.breaker.execute(async () => {
      try {
        return await fn()
      } catch (error) {
        throw transportError(error, destination.to)
      }
    })
  } catch (error) {
    if (!(error instanceof BrokenCircuitError)) throw error
    throw new ServiceError('UNAVAILABLE', `${destination.to} is unavailable`, { cause: error })
  }
}

interface OnwardExchange {
  readonly span: Span
  readonly signal: AbortSignal
  readonly budgetMs: number
  close(): void
  translate(error: unknown): unknown
}

/** Span, time limit and abort of one attempt. */
function openExchange(
  destination: Destination,
  request: NeighbourRequest,
  call: CallContext,
  parts: NeighbourParts,
): OnwardExchange {
  const startedAtMs = parts.clock.monotonicMs()
  const leftMs = call.deadlineAtMs - startedAtMs
  const budgetMs = Math.floor(Math.min(request.timeoutMs ?? DEFAULT_TIMEOUT_MS, leftMs))
  if (budgetMs <= 0) throw new ServiceError('TIMEOUT', 'The deadline has passed')
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new OutOfTime()), budgetMs)
  const onAbort = () => controller.abort(call.signal.reason)
  if (call.signal.aborted) onAbort()
  else call.signal.addEventListener('abort', onAbort, { once: true })
  const span = startClientSpan(
    parts.tracer,
    `${request.method} ${destination.to}`,
    {
      'http.request.method': request.method,
      'server.address': destination.to,
      'url.path': request.path,
      'sonia.correlation_id': call.correlationId,
    },
    call,
  )
  return {
    span,
    signal: controller.signal,
    budgetMs,
    close: () => {
      clearTimeout(timer)
      destination.record(destination.to, request.method, parts.clock.monotonicMs() - startedAtMs)
      call.signal.removeEventListener('abort', onAbort)
    },
    translate: (error) => {
      if (error instanceof ServiceError) return error
      if (call.signal.reason instanceof ServiceError) return call.signal.reason
      return new ServiceError('UNAVAILABLE', 'The call was given up', { cause: error })
    },
  }
}

async function send(
  destination: Destination,
  request: NeighbourRequest,
  call: CallContext,
  exchange: OnwardExchange & { readonly parts: NeighbourParts },
): Promise<RawResponse> {
  const { to, pool } = destination
  const { tokens } = exchange.parts
  const attempt = async () =>
    pool.request({
      method: request.method,
      path: pathWithQuery(request),
      headers: { ...onwardHeaders(request, call, exchange), 'x-service-token': await tokens.tokenFor(to) },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal: exchange.signal,
    })
  const response = await attempt()
  if (response.statusCode !== 401 || response.headers[TOKEN_REFUSED_HEADER] === undefined) return response
  // Keys were exchanged or eva-os was restored: once with a new token, then it is a failure.
  await response.body.dump()
  tokens.forget(to)
  return attempt()
}

function onwardHeaders(
  request: NeighbourRequest,
  call: CallContext,
  exchange: OnwardExchange,
): Record<string, string> {
  return {
    accept: 'application/json',
    ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...request.headers,
    ...traceHeaders(exchange.span, call),
    [CORRELATION_HEADER]: call.correlationId,
    [DEADLINE_HEADER]: String(exchange.budgetMs),
  }
}

function pathWithQuery(request: NeighbourRequest): string {
  if (request.query === undefined) return request.path
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(request.query)) {
    if (value !== undefined) query.set(name, String(value))
  }
  return query.size === 0 ? request.path : `${request.path}?${query.toString()}`
}
