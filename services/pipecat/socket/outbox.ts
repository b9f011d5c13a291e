import type { WebSocket } from 'ws'

export interface OutboxLimits {
  readonly pauseAtBytes: number
  readonly cutAtBytes: number
}

/** Handed to the socket before it took what it has: enough to keep a fast client busy, little that cannot be undone. */
const HANDED_BYTES_MAX = 64 * 1024
/** What a frame costs beside its content while it waits. */
const FRAME_OVERHEAD_BYTES = 128

/**
 * What waits to be taken by one client. Above the first mark `room()` holds the speaker back; above the second one
 * `onOverflow` is told, once, and the socket is given up. Frames wait here rather than in the socket, where each would
 * be copied, and sound could no longer be dropped.
 */
export class Outbox {
  readonly #socket: WebSocket
  readonly #limits: OutboxLimits
  readonly #onOverflow: () => void
  #queue: (string | Buffer)[] = []
  #queuedBytes = 0
  #waiting: PromiseWithResolvers<void> | null = null
  #pausedAtMs: number | null = null

  constructor(socket: WebSocket, limits: OutboxLimits, onOverflow: () => void) {
    this.#socket = socket
    this.#limits = limits
    this.#onOverflow = onOverflow
  }

  send(content: string | Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    if (this.#queue.length === 0 && this.#socket.bufferedAmount < HANDED_BYTES_MAX) {
      this.#hand(content)
      return
    }
    this.#queue.push(content)
    this.#queuedBytes += costOf(content)
    if (this.waitingBytes > this.#limits.cutAtBytes) this.#onOverflow()
  }

  get waitingBytes(): number {
    return this.#queuedBytes + this.#socket.bufferedAmount
  }

  /** Resolves when the client has room again, or is gone. */
  async room(nowMs: number): Promise<void> {
    if (this.waitingBytes <= this.#limits.pauseAtBytes) return
    this.#pausedAtMs ??= nowMs
    this.#waiting ??= Promise.withResolvers<void>()
    await this.#waiting.promise
  }

  /** How long the client has not taken anything while we wait for it. */
  stalledMs(nowMs: number): number {
    return this.#pausedAtMs === null ? 0 : nowMs - this.#pausedAtMs
  }

  /** Sound that waits is stale once its answer was interrupted; says how many frames of it there were. */
  dropSound(): number {
    const before = this.#queue.length
    this.#queue = this.#queue.filter((content) => typeof content === 'string')
    this.#queuedBytes = this.#queue.reduce((sum, content) => sum + costOf(content), 0)
    return before - this.#queue.length
  }

  /** Hands over everything that waits, before a goodbye. */
  flush(): void {
    for (const content of this.#queue) this.#hand(content)
    this.discard()
  }

  /** Forgets what waits, and lets go who waits for room. */
  discard(): void {
    this.#queue = []
    this.#queuedBytes = 0
    this.#release()
  }

  #hand(content: string | Buffer): void {
    this.#socket.send(content, { binary: typeof content !== 'string' }, () => this.#onTaken())
  }

  #onTaken(): void {
    while (this.#socket.readyState === this.#socket.OPEN && this.#socket.bufferedAmount < HANDED_BYTES_MAX) {
      const next = this.#queue.shift()
      if (next === undefined) break
      this.#queuedBytes -= costOf(next)
      this.#hand(next)
    }
    if (this.waitingBytes <= this.#limits.pauseAtBytes) this.#release()
  }

  #release(): void {
    this.#pausedAtMs = null
    this.#waiting?.resolve()
    this.#waiting = null
  }
}

function costOf(content: string | Buffer): number {
  return FRAME_OVERHEAD_BYTES + Buffer.byteLength(content)
}
