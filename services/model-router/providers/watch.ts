import { CallerGone, type FaultKind, UpstreamFault } from '../upstream-fault.ts'

/**
 * The waits of one attempt. At any moment at most one thing is awaited (first token, next event, whole answer);
 * when it does not come in time, or the caller goes, `signal` aborts the upstream request.
 */
export interface Watch {
  readonly signal: AbortSignal
  /** Starts waiting for something else. */
  expect(kind: FaultKind, withinMs: number): void
  /** What was expected came; the wait starts anew. */
  renew(): void
  /** Not waiting for upstream now, but for our own caller. */
  pause(): void
  /** Names the true cause of an error that came out of the aborted request. */
  explain(error: unknown): unknown
  dispose(): void
}

export function createWatch(callerSignal: AbortSignal): Watch {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | null = null
  let isPaused = false
  let cause: UpstreamFault | CallerGone | null = null

  function abort(reason: UpstreamFault | CallerGone): void {
    cause ??= reason
    controller.abort(cause)
  }
  const onCallerGone = () => abort(new CallerGone('the caller has gone'))

  if (callerSignal.aborted) onCallerGone()
  else callerSignal.addEventListener('abort', onCallerGone, { once: true })

  return {
    signal: controller.signal,
    expect(kind, withinMs) {
      clearTimeout(timer ?? undefined)
      isPaused = false
      timer = setTimeout(() => {
        if (!isPaused) abort(new UpstreamFault(kind, `nothing came within ${withinMs} ms`))
      }, withinMs)
    },
    renew() {
      isPaused = false
      timer?.refresh()
    },
    pause() {
      isPaused = true
    },
    explain: (error) => cause ?? error,
    dispose() {
      clearTimeout(timer ?? undefined)
      callerSignal.removeEventListener('abort', onCallerGone)
    },
  }
}
