import type { RawData, WebSocket } from 'ws'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { ServiceMetrics } from '#chassis/metrics.ts'
import type { Conversation, Listener } from '../session/conversation.ts'
import type { CloseReason, Session } from '../session/session.ts'
import type { SessionBook } from '../session/session-book.ts'
import { createTurnClock } from '../session/turn-clock.ts'
import type { Ear } from '../speech/ear.ts'
import type { Speech } from '../speech/speech.ts'
import { type ClientFrame, parseFrame } from './frames.ts'
import { Outbox, type OutboxLimits } from './outbox.ts'

export interface ConnectionLimits extends OutboxLimits {
  readonly queuedMessagesMax: number
  readonly queuedBytesMax: number
  /** A client that takes nothing for this long while an answer waits for it is cut. */
  readonly stalledMsMax: number
}

export interface ConnectionNeeds {
  readonly socket: WebSocket
  readonly session: Session
  readonly conversation: Conversation
  readonly ear: Ear
  readonly metrics: ServiceMetrics
  readonly speech: Speech
  readonly book: SessionBook
  readonly limits: ConnectionLimits
  readonly clock: Clock
}

/** Close codes: 1xxx of RFC 6455; 4xxx are ours. */
const CLOSE_CODE: Readonly<Record<CloseReason, number>> = {
  clean: 1000,
  client_closed: 1000,
  shutdown: 1001,
  restart: 1001,
  error: 1011,
  idle: 4408,
  expired: 4408,
  overflow: 4409,
}
/** Closed on purpose: said so, with no code, or a browser whose page was left. */
const CLOSED_BY_CLIENT = [1000, 1001, 1005]
const MISSED_PONGS_MAX = 2
/** A close frame that the client does not take within this time is not waited for; a stop has less of it. */
const CLOSE_GRACE_MS = 2_000
const SHUTDOWN_GRACE_MS = 500

/** One live socket of a session: reads frames, writes frames, and notices that it is dead. */
export class Connection implements Listener {
  readonly #needs: ConnectionNeeds
  readonly #outbox: Outbox
  #missedPongs = 0

  constructor(needs: ConnectionNeeds) {
    this.#needs = needs
    this.#outbox = new Outbox(needs.socket, needs.limits, () => this.#overflow())
  }

  /** Takes the session over; `lastSeq` is what a returning client saw last. */
  open(lastSeq: number | undefined): void {
    const { socket, session, conversation, clock, speech } = this.#needs
    conversation.attach(this)
    session.detachedAtMs = null
    session.lastSeenAtMs = clock.monotonicMs()
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary))
    socket.on('pong', () => {
      this.#missedPongs = 0
    })
    // The error itself says nothing that the close after it does not.
    socket.on('error', () => {})
    socket.once('close', (code) => this.#onClose(code))
    const lost = lastSeq === undefined ? 0 : conversation.resend(lastSeq)
    const resumed = lastSeq === undefined ? {} : { resumed: true, lost_frames: lost }
    const hears = speech.transcribe !== null
    const speaks = speech.voice !== null
    conversation.send('SESSION_START', { state: session.state, hears, speaks, ...resumed })
    conversation.send('STATUS', { status: 'active' })
  }

  send(text: string): void {
    this.#outbox.send(text)
  }

  sendSound(pcm: Buffer): void {
    this.#outbox.send(pcm)
  }

  dropSound(): number {
    return this.#outbox.dropSound()
  }

  async room(): Promise<void> {
    await this.#outbox.room(this.#needs.clock.monotonicMs())
  }

  /** Every ping interval: a socket that answered none of the last pings is dead, whatever the network says. */
  heartbeat(): void {
    const { socket } = this.#needs
    if (this.#missedPongs >= MISSED_PONGS_MAX) {
      socket.terminate()
      return
    }
    this.#missedPongs += 1
    if (socket.readyState === socket.OPEN) socket.ping()
  }

  get waitingBytes(): number {
    return this.#outbox.waitingBytes
  }

  checkStall(): void {
    const { limits, clock } = this.#needs
    if (this.#outbox.stalledMs(clock.monotonicMs()) >= limits.stalledMsMax) this.#overflow()
  }

  /** The session is over: says goodbye and does not wait long for the client's. */
  end(reason: CloseReason): void {
    const { socket } = this.#needs
    this.#outbox.dropSound()
    // Who reads too slowly gets no more; anybody else what was said before the goodbye.
    if (reason === 'overflow') this.#outbox.discard()
    else this.#outbox.flush()
    socket.close(CLOSE_CODE[reason], reason)
    const graceMs = reason === 'shutdown' ? SHUTDOWN_GRACE_MS : CLOSE_GRACE_MS
    const grace = setTimeout(() => socket.terminate(), graceMs)
    grace.unref()
    socket.once('close', () => clearTimeout(grace))
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    const { session, conversation, clock } = this.#needs
    // The close frame is on its way: what comes after SESSION_STOP has no session to go to.
    if (session.state === 'CLOSED') return
    session.lastSeenAtMs = clock.monotonicMs()
    try {
      if (isBinary) this.#needs.ear.hear(asBuffer(data))
      else this.#handle(parseFrame(asBuffer(data), session.record.session_id))
    } catch (error) {
      conversation.sendError(error)
    }
  }

  #handle(frame: ClientFrame): void {
    const { session, conversation, book } = this.#needs
    switch (frame.type) {
      case 'MESSAGE':
        this.#enqueue(frame)
        return
      case 'INTERRUPT':
        conversation.send('INTERRUPT', conversation.interrupt(), frame.correlationId)
        return
      case 'STATUS':
        conversation.send(
          'STATUS',
          { status: 'active', queued: conversation.queuedCount },
          frame.correlationId,
        )
        return
      case 'SESSION_STOP':
        conversation.send('SESSION_STOP', { reason: frame.reason }, frame.correlationId)
        book.close(session, 'clean')
    }
  }

  #enqueue(frame: Extract<ClientFrame, { type: 'MESSAGE' }>): void {
    const { conversation, limits, clock, metrics } = this.#needs
    // Not held back by reading no more: an interruption must get through.
    if (conversation.queuedCount >= limits.queuedMessagesMax) {
      throw new ServiceError(
        'RATE_LIMITED',
        `${limits.queuedMessagesMax} messages wait for their answer already`,
      )
    }
    const bytes = conversation.queuedBytes + Buffer.byteLength(frame.text)
    // One is always taken, however long it may be.
    if (conversation.queuedCount > 0 && bytes > limits.queuedBytesMax) {
      throw new ServiceError(
        'RATE_LIMITED',
        `At most ${limits.queuedBytesMax} bytes may wait for their answer`,
      )
    }
    const beganAtMs = clock.monotonicMs()
    const timing = createTurnClock({ kind: 'typed', beganAtMs, clock, metrics })
    const { text, stream, speak, correlationId } = frame
    conversation.enqueue({ kind: 'typed', text, stream, speak, correlationId, timing })
  }

  #overflow(): void {
    this.#needs.book.close(this.#needs.session, 'overflow')
  }

  #onClose(code: number): void {
    const { session, conversation, book, clock } = this.#needs
    this.#outbox.discard()
    conversation.detach(this)
    if (session.state === 'CLOSED') return
    session.detachedAtMs = clock.monotonicMs()
    // A client that closes the socket properly has gone; any other end may be a lost connection.
    if (CLOSED_BY_CLIENT.includes(code)) book.close(session, 'client_closed')
  }
}

function asBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return Buffer.isBuffer(data) ? data : Buffer.from(data)
}
