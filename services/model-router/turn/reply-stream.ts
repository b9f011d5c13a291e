import { Readable } from 'node:stream'

/** The body of a streamed reply: what is written waits for the client, so a slow client slows the upstream. */
export interface ReplyStream {
  readonly readable: Readable
  /** Resolves when the client can take more, or has gone. */
  readonly write: (bytes: Buffer) => Promise<void> | undefined
  readonly end: () => void
}

const BUFFERED_BYTES = 64 << 10

export function createReplyStream(): ReplyStream {
  let release: (() => void) | null = null
  const readable = new Readable({
    highWaterMark: BUFFERED_BYTES,
    read: () => letGo(),
    destroy(error, done) {
      letGo()
      done(error)
    },
  })

  function letGo(): void {
    release?.()
    release = null
  }

  return {
    readable,
    write(bytes) {
      if (readable.destroyed || readable.push(bytes)) return undefined
      return new Promise((resolve) => {
        release = resolve
      })
    },
    end() {
      if (!readable.destroyed && !readable.readableEnded) readable.push(null)
    },
  }
}
