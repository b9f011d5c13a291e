import { Readable } from 'node:stream'

/** The body of a streamed reply: what is written waits for the client, so a slow client slows the upstream. */
export interface ReplyStream {
  readonly readable: Readable
  /** Resolves when the client can take more, or has gone, or its time is over. */
  readonly write: (bytes: Buffer) => Promise<void> | undefined
  readonly end: () => void
}

const BUFFERED_BYTES = 64 << 10
/** What the client still gets to read the end of its answer in, once its time is over. */
const GRACE_MS = 1_000

export function createReplyStream(signal: AbortSignal): ReplyStream {
  let release: (() => void) | null = null
  let timer: NodeJS.Timeout | undefined
  const readable = new Readable({
    highWaterMark: BUFFERED_BYTES,
    read: () => letGo(),
    destroy(error, done) {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      letGo()
      done(error)
    },
  })
  signal.addEventListener('abort', onAbort, { once: true })

  function letGo(): void {
    release?.()
    release = null
  }

  /** A client that does not read must not keep its place and its provider beyond its deadline. */
  function onAbort(): void {
    letGo()
    timer = setTimeout(() => readable.destroy(), GRACE_MS)
    timer.unref()
  }

  return {
    readable,
    write(bytes) {
      if (readable.destroyed || readable.push(bytes) || signal.aborted) return undefined
      return new Promise((resolve) => {
        release = resolve
      })
    },
    end() {
      if (!readable.destroyed && !readable.readableEnded) readable.push(null)
    },
  }
}
