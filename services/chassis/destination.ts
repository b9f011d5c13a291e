import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel'
import { Pool } from 'undici'
import type { ServiceName } from '#catalog'
import type { createClientDurations } from './client-durations.ts'
import { ServiceError } from './errors.ts'
import { TransportError, transportError } from './neighbour-errors.ts'
import type { NeighbourParts } from './neighbours.ts'

const CONNECT_TIMEOUT_MS = 500
const CONNECTIONS_MAX = 64
const BREAKER_FAILURES = 5
const BREAKER_OPEN_MS = 1_000

/** One neighbour: its connections, and the breaker in front of them. */
export interface Destination {
  readonly to: ServiceName
  readonly pool: Pool
  readonly breaker: ReturnType<typeof circuitBreaker>
  readonly record: ReturnType<typeof createClientDurations>
}

export function createDestination(
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

export function breakerName(state: CircuitState): 'closed' | 'open' | 'half_open' {
  if (state === CircuitState.Closed) return 'closed'
  return state === CircuitState.HalfOpen ? 'half_open' : 'open'
}

/** Through the breaker; an open one refuses without a connection. */
export async function guarded<T>(destination: Destination, fn: () => Promise<T>): Promise<T> {
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
