import type { ProcessSlot } from './process-slot.ts'

export interface SlotStart {
  readonly slot: ProcessSlot
  readonly onReady?: () => void
}

/** Spawns all slots side by side and waits until each is ready. The first failure, or an abort, ends the waiting of all. */
export async function startTogether(
  starts: readonly SlotStart[],
  options: { signal: AbortSignal | undefined; timeoutMs: number },
): Promise<void> {
  const failed = new AbortController()
  const signal =
    options.signal === undefined ? failed.signal : AbortSignal.any([failed.signal, options.signal])
  const settled = await Promise.allSettled(
    starts.map(async ({ slot, onReady }) => {
      try {
        await slot.spawn()
        await slot.becomeReady(options.timeoutMs, signal)
      } catch (error) {
        failed.abort(error)
        throw error
      }
      onReady?.()
    }),
  )
  options.signal?.throwIfAborted()
  if (settled.some((result) => result.status === 'rejected')) throw failed.signal.reason
}
