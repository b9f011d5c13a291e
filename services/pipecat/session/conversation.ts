import type { SpanContext } from '@opentelemetry/api'
import { ServiceError } from '#chassis/errors.ts'
import type { Logger } from '#chassis/logging.ts'
import type { ServerFrameType } from '../socket/frames.ts'
import { createSentFrames, type SentFrames } from '../socket/sent-frames.ts'
import type { Session } from './session.ts'
import { answerMessage, type Message, type TurnNeeds, type TurnOutput } from './turn.ts'

/** Where frames go while a client is connected. */
export interface Listener {
  send(text: string): void
  sendSound(pcm: Buffer): void
  /** Forgets sound that was not sent yet; says how many frames. */
  dropSound(): number
  /** Resolves when the client has room for more. */
  room(): Promise<void>
}

export interface ConversationNeeds extends TurnNeeds {
  readonly log: Logger
}

/**
 * What is said in one session, whoever is connected: messages are answered one after the other, and an answer
 * goes on while the client is away, so that a client that comes back finds it. Sound is not kept: late, it is noise.
 */
export class Conversation implements TurnOutput {
  readonly #session: Session
  readonly #sessionSpan: SpanContext
  readonly #needs: ConversationNeeds
  readonly #sent: SentFrames = createSentFrames()
  readonly #queue: Message[] = []
  #listener: Listener | null = null
  #queuedBytes = 0
  /** Whether somebody takes messages off the queue; also between two answers, while the client has no room. */
  #isTaking = false
  #answering: AbortController | null = null
  #soundFrames = 0
  #isOver = false

  constructor(session: Session, sessionSpan: SpanContext, needs: ConversationNeeds) {
    this.#session = session
    this.#sessionSpan = sessionSpan
    this.#needs = needs
  }

  get queuedCount(): number {
    return this.#queue.length
  }

  /** Bytes of text that wait for their answer. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  get isAttached(): boolean {
    return this.#listener !== null
  }

  get isAnswering(): boolean {
    return this.#answering !== null
  }

  /** Frames of sound carry nothing but sound; their numbers are counted, and told with each sentence. */
  get lastSoundFrame(): number {
    return this.#soundFrames
  }

  attach(listener: Listener): void {
    this.#listener = listener
  }

  detach(listener: Listener): void {
    if (this.#listener === listener) this.#listener = null
  }

  /** Whether a returning client can have seen the frame of this number. */
  mayResumeAt(lastSeq: number): boolean {
    return this.#sent.mayBeSeen(lastSeq, this.#session.isRestored)
  }

  /** Sends again what a returning client missed; says how many frames are gone for good. */
  resend(lastSeq: number): number {
    this.#sent.continueFrom(lastSeq)
    const { frames, lost } = this.#sent.after(lastSeq)
    for (const { text } of frames) this.#listener?.send(text)
    return lost
  }

  send(type: ServerFrameType, data: object, correlationId?: string): void {
    const seq = this.#sent.nextSeq()
    const text = JSON.stringify({
      type,
      session_id: this.#session.record.session_id,
      seq,
      data,
      timestamp: new Date(this.#needs.clock.nowMs()).toISOString(),
      correlation_id: correlationId ?? null,
    })
    this.#sent.keep({ seq, text })
    this.#listener?.send(text)
  }

  sendSound(pcm: Buffer): void {
    this.#soundFrames += 1
    this.#listener?.sendSound(pcm)
  }

  sendError(error: unknown, correlationId?: string): void {
    const known =
      error instanceof ServiceError ? error : new ServiceError('INTERNAL_ERROR', 'The message failed')
    if (known !== error) this.#needs.log.error({ err: error }, 'a voice message failed')
    this.send('ERROR', { code: known.code, message: known.message }, correlationId)
  }

  async room(): Promise<void> {
    await this.#listener?.room()
  }

  enqueue(message: Message): void {
    if (this.#isOver) return
    this.#queue.push(message)
    this.#queuedBytes += Buffer.byteLength(message.text)
    if (!this.#isTaking) void this.#answerAll()
  }

  /** Barge-in: stops the answer being given, upstream and in sound as well, and drops what waits. */
  interrupt(): { readonly interrupted: boolean; readonly dropped: number; readonly last_frame: number } {
    const dropped = this.#queue.splice(0).length
    this.#queuedBytes = 0
    const interrupted = this.#answering !== null
    this.#answering?.abort(new ServiceError('UNAVAILABLE', 'Interrupted'))
    this.#soundFrames -= this.#listener?.dropSound() ?? 0
    return { interrupted, dropped, last_frame: this.#soundFrames }
  }

  end(): void {
    this.#isOver = true
    this.interrupt()
    this.#listener = null
  }

  async #answerAll(): Promise<void> {
    this.#isTaking = true
    try {
      for (let message = this.#take(); message !== undefined; message = this.#take()) {
        await this.#answer(message)
        await this.room()
      }
    } finally {
      this.#isTaking = false
    }
  }

  #take(): Message | undefined {
    const message = this.#queue.shift()
    if (message !== undefined) this.#queuedBytes -= Buffer.byteLength(message.text)
    return message
  }

  async #answer(message: Message): Promise<void> {
    const place = { record: this.#session.record, sessionSpan: this.#sessionSpan, output: this }
    const controller = new AbortController()
    this.#answering = controller
    try {
      await answerMessage(message, place, this.#needs, controller)
    } finally {
      this.#answering = null
      // Ends the timers of the call, which listens to this signal.
      controller.abort()
    }
  }
}
