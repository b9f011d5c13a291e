import type { Readable } from 'node:stream'
import type { StreamPart, Timeouts } from '../provider.ts'
import type { FaultKind } from '../upstream-fault.ts'
import { faultOfNetwork } from './upstream.ts'
import { createWatch, type OnAbort, type Watch } from './watch.ts'

export interface AttemptOptions {
  readonly onAbort: OnAbort
  readonly timeouts: Timeouts
}

/** Runs one request for a whole answer under its watch; every error that leaves is an UpstreamFault or CallerGone. */
export async function runAttempt<T>(
  options: AttemptOptions,
  kind: FaultKind,
  run: (watch: Watch) => Promise<T>,
): Promise<T> {
  const watch = createWatch(options.onAbort)
  try {
    watch.expect(kind, options.timeouts.completeMs)
    return await run(watch)
  } catch (error) {
    throw watch.explain(faultOfNetwork(error, 'cut'))
  } finally {
    watch.dispose()
  }
}

/** The same for a stream: opened lazily, and its body destroyed however the consumer leaves. */
export async function* streamAttempt(
  options: AttemptOptions,
  open: (watch: Watch) => Promise<{ body: Readable; parts: AsyncIterable<StreamPart> }>,
): AsyncGenerator<StreamPart, void> {
  const watch = createWatch(options.onAbort)
  let body: Readable | null = null
  try {
    watch.expect('first_token_timeout', options.timeouts.firstTokenMs)
    const opened = await open(watch)
    body = opened.body
    yield* opened.parts
  } catch (error) {
    throw watch.explain(faultOfNetwork(error, 'cut'))
  } finally {
    watch.dispose()
    // An aborted body reports its abort once more; by then nobody is interested.
    body?.on('error', () => undefined).destroy()
  }
}
