import { CallerGone, type FaultKind, UpstreamFault } from '../upstream-fault.ts'

/** Tells a listener, once, that the work is given up; what it answers takes the listener back. */
export type OnAbort = (listener: (reason: unknown) => void) => () => void

/**
 * The waits of one attempt. At any moment at most one thing is awaited (first token, next event, whole answer);
 * when it does not come in time, or the caller goes, `signal` aborts the upstream request.
 */
export interface Watch {
  readonly signal: AbortSignal
  /** The same without making a signal; the newest listener hears of it. */
  readonly onAbort: (listener: (reason: Error) => void) => void
  /** Starts waiting for something else. */
  expect(kind: FaultKind, withinMs: number): void
  /** What was expected came; the wait starts anew. */
  readonly renew: () => void
  /** Not waiting for upstream now, but for our own caller. */
  pause(): void
  /** Names the true cause of an error that came out of the aborted request. */
  explain(error: unknown): unknown
  dispose(): void
}

export function createWatch(onCallerAbort: OnAbort): Watch {
  let controller: AbortController | null = null
  let listener: ((reason: Error) => void) | null = null
  let timer: NodeJS.Timeout | null = null
  let isPaused = false
  let cause: UpstreamFault | CallerGone | null = null

  function abort(reason: UpstreamFault | CallerGone): void {
    if (cause !== null) return
    cause = reason
    controller?.abort(cause)
    listener?.(cause)
  }
  const unlisten = onCallerAbort(() => abort(new CallerGone('the caller has gone')))

  return {
    get signal() {
      controller ??= new AbortController()
      if (cause !== null) controller.abort(cause)
      return controller.signal
    },
    onAbort(given) {
      listener = given
      if (cause !== null) given(cause)
    },
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
      unlisten()
    },
  }
}
