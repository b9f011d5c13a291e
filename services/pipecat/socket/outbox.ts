import type { WebSocket } from 'ws'

export interface OutboxLimits {
  readonly pauseAtBytes: number
  readonly cutAtBytes: number
}

/**
 * What waits to be taken by one client. Above the first mark `room()` holds the speaker back; above the second one
 * `onOverflow` is told, once, and the socket is given up.
 */
export class Outbox {
  readonly #socket: WebSocket
  readonly #limits: OutboxLimits
  readonly #onOverflow: () => void
  #waiting: PromiseWithResolvers<void> | null = null
  #pausedAtMs: number | null = null

  constructor(socket: WebSocket, limits: OutboxLimits, onOverflow: () => void) {
    this.#socket = socket
    this.#limits = limits
    this.#onOverflow = onOverflow
  }

  send(content: string | Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    this.#socket.send(content, { binary: typeof content !== 'string' }, () => this.#onTaken())
    if (this.#socket.bufferedAmount > this.#limits.cutAtBytes) this.#onOverflow()
  }

  get waitingBytes(): number {
    return this.#socket.bufferedAmount
  }

  /** Resolves when the client has room again, or is gone. */
  async room(nowMs: number): Promise<void> {
    if (this.#socket.bufferedAmount <= this.#limits.pauseAtBytes) return
    this.#pausedAtMs ??= nowMs
    this.#waiting ??= Promise.withResolvers<void>()
    await this.#waiting.promise
  }

  /** How long the client has not taken anything while we wait for it. */
  stalledMs(nowMs: number): number {
    return this.#pausedAtMs === null ? 0 : nowMs - this.#pausedAtMs
  }

  release(): void {
    this.#pausedAtMs = null
    this.#waiting?.resolve()
    this.#waiting = null
  }

  #onTaken(): void {
    if (this.#socket.bufferedAmount <= this.#limits.pauseAtBytes) this.release()
  }
}
