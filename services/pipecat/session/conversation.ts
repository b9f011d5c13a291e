import { context, type SpanContext, type Tracer, trace } from '@opentelemetry/api'
import type { CallContext, NewCall } from '#chassis/call-context.ts'
import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { Logger } from '#chassis/logging.ts'
import type { Neighbours } from '#chassis/neighbours.ts'
import type { ServiceMetrics } from '#chassis/metrics.ts'
import { markFailed } from '#chassis/tracing.ts'
import { type Answer, askGateway } from '../answer.ts'
import type { ServerFrameType } from '../socket/frames.ts'
import { createSentFrames, type SentFrames } from '../socket/sent-frames.ts'
import type { Session } from './session.ts'

/** Where frames go while a client is connected. */
export interface Listener {
  send(text: string): void
  /** Resolves when the client has room for more. */
  room(): Promise<void>
}

export interface ConversationNeeds {
  readonly neighbours: Neighbours
  readonly startCall: (settings: NewCall) => CallContext
  readonly tracer: Tracer
  readonly metrics: ServiceMetrics
  readonly clock: Clock
  readonly log: Logger
  readonly answerTimeoutMs: number
}

export interface Message {
  readonly text: string
  readonly stream: boolean
  readonly correlationId: string | undefined
}

/**
 * What is said in one session, whoever is connected: messages are answered one after the other, and an answer
 * goes on while the client is away, so that a client that comes back finds it.
 */
export class Conversation {
  readonly #session: Session
  readonly #sessionSpan: SpanContext
  readonly #needs: ConversationNeeds
  readonly #sent: SentFrames = createSentFrames()
  readonly #queue: Message[] = []
  #listener: Listener | null = null
  #answering: AbortController | null = null
  #isOver = false

  constructor(session: Session, sessionSpan: SpanContext, needs: ConversationNeeds) {
    this.#session = session
    this.#sessionSpan = sessionSpan
    this.#needs = needs
  }

  get queuedCount(): number {
    return this.#queue.length
  }

  get isAttached(): boolean {
    return this.#listener !== null
  }

  attach(listener: Listener): void {
    this.#listener = listener
  }

  detach(listener: Listener): void {
    if (this.#listener === listener) this.#listener = null
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

  sendError(error: unknown, correlationId?: string): void {
    const known =
      error instanceof ServiceError ? error : new ServiceError('INTERNAL_ERROR', 'The message failed')
    if (known !== error) this.#needs.log.error({ err: error }, 'a voice message failed')
    this.send('ERROR', { code: known.code, message: known.message }, correlationId)
  }

  enqueue(message: Message): void {
    this.#queue.push(message)
    if (this.#answering === null) void this.#answerAll()
  }

  /** Barge-in: stops the answer being given, upstream as well, and drops what waits. */
  interrupt(): { readonly interrupted: boolean; readonly dropped: number } {
    const dropped = this.#queue.splice(0).length
    const interrupted = this.#answering !== null
    this.#answering?.abort(new ServiceError('UNAVAILABLE', 'Interrupted'))
    return { interrupted, dropped }
  }

  end(): void {
    this.#isOver = true
    this.interrupt()
    this.#listener = null
  }

  async #answerAll(): Promise<void> {
    for (;;) {
      const message = this.#queue.shift()
      if (message === undefined || this.#isOver) return
      const controller = new AbortController()
      this.#answering = controller
      try {
        await this.#answer(message, controller)
      } finally {
        this.#answering = null
        // Ends the timers of the call, which listens to this signal.
        controller.abort()
      }
      await this.#listener?.room()
    }
  }

  async #answer(message: Message, controller: AbortController): Promise<void> {
    const { startCall, answerTimeoutMs, neighbours } = this.#needs
    const { session_id: sessionId, user_id: userId } = this.#session.record
    const call = startCall({
      timeoutMs: answerTimeoutMs,
      signal: controller.signal,
      caller: { kind: 'external', principal: userId ?? 'voice' },
      ...(message.correlationId === undefined ? {} : { correlationId: message.correlationId }),
    })
    try {
      const answer = await this.#inSpan(call, () =>
        askGateway({ text: message.text, sessionId }, neighbours, call, (text) =>
          this.#onDelta(text, message, { call, controller }),
        ),
      )
      if (!controller.signal.aborted) this.send('MESSAGE', spoken(answer), call.correlationId)
    } catch (error) {
      if (!controller.signal.aborted) this.sendError(error, call.correlationId)
    }
  }

  async #onDelta(
    text: string,
    message: Message,
    { call, controller }: { call: CallContext; controller: AbortController },
  ): Promise<void> {
    // Nothing that was generated before an interruption may reach the client after it.
    controller.signal.throwIfAborted()
    if (!message.stream) return
    this.send('MESSAGE_DELTA', { text }, call.correlationId)
    await this.#listener?.room()
  }

  async #inSpan(call: CallContext, work: () => Promise<Answer>): Promise<Answer> {
    const span = this.#needs.tracer.startSpan(
      'voice.message',
      {
        root: true,
        links: [{ context: this.#sessionSpan }],
        attributes: {
          'sonia.session_id': this.#session.record.session_id,
          'sonia.correlation_id': call.correlationId,
        },
      },
      call.otel,
    )
    try {
      return await context.with(trace.setSpan(call.otel, span), work)
    } catch (error) {
      markFailed(span, error)
      throw error
    } finally {
      span.end()
    }
  }
}

function spoken({ text, model, provider, warning }: Answer) {
  return { text, role: 'assistant', model, provider, ...(warning === undefined ? {} : { warning }) }
}
