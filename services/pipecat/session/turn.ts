import { context, type SpanContext, type Tracer, trace } from '@opentelemetry/api'
import type { CallContext, NewCall } from '#chassis/call-context.ts'
import type { Clock } from '#chassis/clock.ts'
import type { Logger } from '#chassis/logging.ts'
import type { Neighbours } from '#chassis/neighbours.ts'
import type { ServiceMetrics } from '#chassis/metrics.ts'
import { markFailed } from '#chassis/tracing.ts'
import { type Answer, askGateway } from '../answer.ts'
import type { ServerFrameType } from '../socket/frames.ts'
import { createSpokenAnswer, type SpokenAnswer } from '../speech/spoken-answer.ts'
import type { Voice } from '../speech/voices.ts'
import type { SessionRecord } from './session.ts'
import type { TurnClock, TurnKind } from './turn-clock.ts'

/** What a client asks, typed or spoken. */
export interface Message {
  readonly kind: TurnKind
  readonly text: string
  readonly stream: boolean
  readonly speak: boolean
  readonly correlationId: string | undefined
  readonly timing: TurnClock
}

export interface TurnNeeds {
  readonly log: Logger
  readonly neighbours: Neighbours
  readonly startCall: (settings: NewCall) => CallContext
  readonly tracer: Tracer
  readonly metrics: ServiceMetrics
  readonly clock: Clock
  readonly answerTimeoutMs: number
  readonly voice: Voice | null
}

/** Where a turn's frames and sound go. */
export interface TurnOutput {
  send(type: ServerFrameType, data: object, correlationId?: string): void
  sendSound(pcm: Buffer): void
  sendError(error: unknown, correlationId?: string): void
  room(): Promise<void>
  readonly lastSoundFrame: number
}

export interface TurnPlace {
  readonly record: SessionRecord
  readonly sessionSpan: SpanContext
  readonly output: TurnOutput
}

/** Answers one message: by the gateway, as text and, where asked for, as sound. `controller` is the interruption. */
export async function answerMessage(
  message: Message,
  place: TurnPlace,
  needs: TurnNeeds,
  controller: AbortController,
): Promise<void> {
  const { output, record } = place
  const turn = { message, place, needs, call: startTurnCall(message, record, needs, controller), controller }
  const outcome = await inSpan(turn, () => logged(turn, answer)).then(
    () => 'ok',
    (error: unknown) => {
      if (controller.signal.aborted) return 'interrupted'
      output.sendError(error, turn.call.correlationId)
      return 'error'
    },
  )
  needs.metrics.counter('sonia_voice_turns_total').inc({ kind: message.kind, outcome })
}

interface Turn {
  readonly message: Message
  readonly place: TurnPlace
  readonly needs: TurnNeeds
  readonly call: CallContext
  readonly controller: AbortController
}

function startTurnCall(
  { correlationId }: Message,
  record: SessionRecord,
  { startCall, answerTimeoutMs }: TurnNeeds,
  controller: AbortController,
): CallContext {
  return startCall({
    timeoutMs: answerTimeoutMs,
    signal: controller.signal,
    caller: { kind: 'external', principal: record.user_id ?? 'voice' },
    ...(correlationId === undefined ? {} : { correlationId }),
  })
}

/** A message has no request of its own: this line is where its correlation id stands in the log. */
async function logged(turn: Turn, work: (turn: Turn) => Promise<void>): Promise<void> {
  const { call, needs } = turn
  const beganAtMs = needs.clock.monotonicMs()
  const fields = () => ({
    operation: 'voice.message',
    correlation_id: call.correlationId,
    duration_ms: Math.round(needs.clock.monotonicMs() - beganAtMs),
  })
  try {
    await work(turn)
    needs.log.info(fields(), 'voice message answered')
  } catch (error) {
    const what = turn.controller.signal.aborted ? 'interrupted' : 'failed'
    needs.log.warn({ ...fields(), err: error }, `voice message ${what}`)
    throw error
  }
}

async function answer(turn: Turn): Promise<void> {
  const { message, place, needs, call, controller } = turn
  const { output, record } = place
  const { timing } = message
  const speaking = message.speak ? startSpeaking(turn) : null
  const onDelta = async (text: string): Promise<void> => {
    // Nothing that was generated before an interruption may reach the client after it.
    controller.signal.throwIfAborted()
    timing.lap('first_token')
    speaking?.add(text)
    if (!message.stream) return
    output.send('MESSAGE_DELTA', { text }, call.correlationId)
    await output.room()
  }
  const asked = { text: message.text, sessionId: record.session_id }
  const whole = await askGateway(asked, needs.neighbours, call, onDelta)
  controller.signal.throwIfAborted()
  timing.total('answer')
  output.send('MESSAGE', { ...spoken(whole), timings_ms: { ...timing.timings() } }, call.correlationId)
  if (speaking === null) return
  const frames = await speaking.finish()
  const end = { frames, last_frame: output.lastSoundFrame, timings_ms: { ...timing.timings() } }
  output.send('SPEECH_END', end, call.correlationId)
}

function startSpeaking({ message, place, needs, call, controller }: Turn): SpokenAnswer | null {
  const { output } = place
  const { timing } = message
  if (needs.voice === null) return null
  return createSpokenAnswer({
    voice: needs.voice,
    clock: needs.clock,
    signal: controller.signal,
    output: {
      onSentence: (sentence, text) =>
        output.send('SPEECH', { sentence, text, first_frame: output.lastSoundFrame + 1 }, call.correlationId),
      sendSound: (pcm) => output.sendSound(pcm),
      room: () => output.room(),
      onFirstSentence: () => timing.lap('first_sentence'),
      onFirstSound: () => {
        timing.lap('voice')
        timing.total('first_audio')
      },
    },
  })
}

async function inSpan({ place, needs, call }: Turn, work: () => Promise<void>): Promise<void> {
  const span = needs.tracer.startSpan(
    'voice.message',
    {
      root: true,
      links: [{ context: place.sessionSpan }],
      attributes: {
        'sonia.session_id': place.record.session_id,
        'sonia.correlation_id': call.correlationId,
      },
    },
    call.otel,
  )
  try {
    await context.with(trace.setSpan(call.otel, span), work)
  } catch (error) {
    markFailed(span, error)
    throw error
  } finally {
    span.end()
  }
}

function spoken({ text, model, provider, warning }: Answer) {
  return { text, role: 'assistant', model, provider, ...(warning === undefined ? {} : { warning }) }
}
