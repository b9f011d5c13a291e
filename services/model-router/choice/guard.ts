import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from 'cockatiel'
import { countsAgainstHealth, UpstreamFault } from '../upstream-fault.ts'

export type BreakerState = 'closed' | 'open' | 'half_open'

/** Breaker and bulkhead of one model at one provider. An attempt holds its place until its stream has ended. */
export interface Guard {
  readonly state: () => BreakerState
  readonly inFlight: () => number
  readonly run: <T>(attempt: () => Promise<T>) => Promise<T>
}

export function createGuard(options: {
  consecutiveFailures: number
  openMs: number
  maxConcurrent: number
  onState: (state: BreakerState) => void
}): Guard {
  const breaker = circuitBreaker(
    // While probing, anything but success keeps it open: a caller who left proved nothing.
    handleWhen((error) => countsAgainstHealth(error) || breaker.state === CircuitState.HalfOpen),
    { halfOpenAfter: options.openMs, breaker: new ConsecutiveBreaker(options.consecutiveFailures) },
  )
  breaker.onStateChange((state) => options.onState(stateOf(state)))
  const places = bulkhead(options.maxConcurrent, 0)

  return {
    state: () => stateOf(breaker.state),
    inFlight: () => options.maxConcurrent - places.executionSlots,
    async run(attempt) {
      // cockatiel lets further calls wait for the probe's end, and a probe may be a long stream.
      if (breaker.state === CircuitState.HalfOpen)
        throw new UpstreamFault('breaker_open', 'a probe is running')
      try {
        return await places.execute(() => breaker.execute(attempt))
      } catch (error) {
        if (error instanceof BrokenCircuitError) throw new UpstreamFault('breaker_open', 'breaker is open')
        if (error instanceof BulkheadRejectedError) throw new UpstreamFault('busy', 'all places are taken')
        throw error
      }
    },
  }
}

function stateOf(state: CircuitState): BreakerState {
  if (state === CircuitState.Closed) return 'closed'
  return state === CircuitState.HalfOpen ? 'half_open' : 'open'
}
