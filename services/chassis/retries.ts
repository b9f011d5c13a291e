import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'
import type { ServiceName } from '#catalog'
import type { CallContext } from './call-context.ts'

const RETRIES_MAX = 2
const FIRST_DELAY_MS = 40
const DELAY_MS_MAX = 400

/** Share of calls that may be repeats: when everything fails, repeating everything doubles the trouble. */
const BUDGET_SHARE = 0.2
/** A quiet service may still repeat a few. */
const BUDGET_FLOOR = 3
const BUDGET_MAX = 50

export interface Retries {
  run<T>(to: ServiceName, attempt: () => Promise<T>, call: Pick<CallContext, 'signal'>): Promise<T>
}

/** At most two repeats with decorrelated jitter, under one budget per destination. */
export function createRetries(parts: {
  readonly isRetryable: (error: unknown) => boolean
  readonly onRetry: (to: ServiceName) => void
}): Retries {
  const budgets = new Map<ServiceName, number>()
  const earn = (to: ServiceName) => {
    budgets.set(to, Math.min(BUDGET_MAX, (budgets.get(to) ?? BUDGET_FLOOR) + BUDGET_SHARE))
  }
  const spend = (to: ServiceName): boolean => {
    const left = budgets.get(to) ?? BUDGET_FLOOR
    if (left < 1) return false
    budgets.set(to, left - 1)
    return true
  }
  return {
    run: async (to, attempt, call) => {
      earn(to)
      try {
        return await attempt()
      } catch (error) {
        if (!parts.isRetryable(error)) throw error
        return repeat(to, firstThrowing(error, attempt), call.signal)
      }
    },
  }

  function repeat<T>(to: ServiceName, attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let failures = 0
    const policy = retry(
      handleWhen((error) => {
        failures += 1
        return failures <= RETRIES_MAX && parts.isRetryable(error) && !signal.aborted && spend(to)
      }),
      {
        maxAttempts: RETRIES_MAX,
        backoff: new ExponentialBackoff({ initialDelay: FIRST_DELAY_MS, maxDelay: DELAY_MS_MAX }),
      },
    )
    policy.onRetry(() => parts.onRetry(to))
    return policy.execute(attempt, signal)
  }
}

/** The policy is made for a call that has failed, which is rare: the failure it had is the first that it hears of. */
function firstThrowing<T>(error: unknown, attempt: () => Promise<T>): () => Promise<T> {
  let isFirst = true
  return () => {
    if (!isFirst) return attempt()
    isFirst = false
    throw error
  }
}
