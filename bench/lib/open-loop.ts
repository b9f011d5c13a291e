import { setTimeout as sleep } from 'node:timers/promises'

export interface OpenLoopPlan {
  readonly perSecond: number
  readonly durationMs: number
}

/** One planned request: what became of it, and how long after its planned time that was. */
export interface Arrival<T> {
  readonly outcome: T
  readonly plannedMs: number
  readonly tookMs: number
  /** By how much the sender was late: it counts as waiting, and tells how good the sender is. */
  readonly senderLateMs: number
}

/**
 * Requests at a constant rate, whether or not the earlier ones were answered; one that fails ends it. Each is timed from the moment for which it
 * was planned: a server that stops answering is not asked less, and what waits meanwhile has waited.
 */
export async function openLoop<T>(
  ask: (number: number) => Promise<T>,
  { perSecond, durationMs }: OpenLoopPlan,
): Promise<readonly Arrival<T>[]> {
  const startedMs = performance.now()
  const planned = Math.floor((perSecond * durationMs) / 1000)
  const running: Promise<Arrival<T>>[] = []
  let failure: unknown
  while (running.length < planned && failure === undefined) {
    const plannedMs = (running.length * 1000) / perSecond
    const waitMs = startedMs + plannedMs - performance.now()
    if (waitMs > 0) await sleep(waitMs)
    else {
      const arrival = arrive(ask, { number: running.length, plannedMs, startedMs })
      // Told at the end; nobody waits for it yet.
      arrival.catch((error: unknown) => {
        failure ??= error
      })
      running.push(arrival)
    }
  }
  return Promise.all(running)
}

async function arrive<T>(
  ask: (number: number) => Promise<T>,
  { number, plannedMs, startedMs }: { number: number; plannedMs: number; startedMs: number },
): Promise<Arrival<T>> {
  const senderLateMs = performance.now() - startedMs - plannedMs
  const outcome = await ask(number)
  return { outcome, plannedMs, senderLateMs, tookMs: performance.now() - startedMs - plannedMs }
}
