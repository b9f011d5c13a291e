import { setTimeout as delay } from 'node:timers/promises'
import type { OpsClock } from './host.ts'

export interface WaitOptions {
  readonly clock: OpsClock
  readonly timeoutMs: number
  readonly intervalMs: number
  readonly signal?: AbortSignal | undefined
}

/** Asks again until the answer is not undefined; undefined when the time is up. Aborting throws the signal's reason. */
export async function waitUntil<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  options: WaitOptions,
): Promise<T | undefined> {
  const deadline = options.clock.monotonicMs() + options.timeoutMs
  for (;;) {
    options.signal?.throwIfAborted()
    const answer = await ask()
    if (answer !== undefined) return answer
    if (options.clock.monotonicMs() >= deadline) return undefined
    await delay(options.intervalMs)
  }
}
