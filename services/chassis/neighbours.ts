import type { Tracer } from '@opentelemetry/api'
import type { Readable } from 'node:stream'
import type { ServiceName } from '#catalog'
import type { CallContext } from './call-context.ts'
import { createClientDurations } from './client-durations.ts'
import type { Clock } from './clock.ts'
import { breakerName, createDestination, type Destination, guarded } from './destination.ts'
import { ServiceError } from './errors.ts'
import type { ServiceMetrics } from './metrics.ts'
import { answeredError, flatHeaders, parseBody, readText } from './neighbour-answer.ts'
import { TransportError } from './neighbour-errors.ts'
import { openExchange } from './onward-exchange.ts'
import { createRetries } from './retries.ts'
import { sendOnward, sendOnwardWhole } from './send-onward.ts'
import type { TokenSource } from './tokens.ts'
import { markFailed } from './tracing.ts'

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
      return idempotent ? retries.run(to, attempt, call) : attempt()
    },
    stream: (to, request, call) => streamOnce(destinationOf(to), request, call, parts),
    state: (to) => ({ breaker: breakerName(destinationOf(to).breaker.state) }),
    close: async () => {
      await Promise.all([...destinations.values()].map(({ pool }) => pool.destroy()))
    },
  }
}

async function callOnce<T>(
  destination: Destination,
  request: NeighbourRequest,
  call: CallContext,
  parts: NeighbourParts,
): Promise<NeighbourAnswer<T>> {
  const startedAtMs = parts.clock.monotonicMs()
  const exchange = openExchange(destination, request, call, parts)
  const sending = Object.assign(exchange, { parts })
  try {
    return await guarded(destination, async () => {
      const response = await sendOnwardWhole(destination, request, call, sending)
      const { text } = response
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
      const response = await sendOnward(destination, request, call, Object.assign(exchange, { parts }))
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
