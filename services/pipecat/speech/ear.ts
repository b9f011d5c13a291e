import type { Clock } from '#chassis/clock.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { ServiceMetrics } from '#chassis/metrics.ts'
import type { Conversation } from '../session/conversation.ts'
import { createTurnClock, type TurnClock } from '../session/turn-clock.ts'
import type { Speech } from './speech.ts'
import type { Utterances } from './utterances.ts'

export interface EarNeeds {
  readonly speech: Speech
  readonly conversation: Conversation
  readonly clock: Clock
  readonly metrics: ServiceMetrics
  /** How long the silence is that ends an utterance. */
  readonly endpointingMs: number
  /** Sound of utterances that wait behind another; more is refused. */
  readonly queuedBytesMax: number
}

/** Utterances of one client that wait for their text; more are refused. */
const WAITING_MAX = 4

/** Listens to one session: finds utterances, interrupts the answer being given, and asks for their text. */
export class Ear {
  readonly #needs: EarNeeds
  readonly #utterances: Utterances
  readonly #over = new AbortController()
  #waiting = 0
  #waitingBytes = 0
  #transcribed: Promise<void> = Promise.resolve()

  constructor(needs: EarNeeds) {
    this.#needs = needs
    this.#utterances = needs.speech.createUtterances()
  }

  /** Takes sound as it came; throws a typed error that the client gets back. */
  hear(pcm: Buffer): void {
    if (this.#needs.speech.transcribe === null) {
      throw new ServiceError('UNAVAILABLE', 'No speech provider is configured')
    }
    if (pcm.length % 2 !== 0) throw new ServiceError('INVALID_ARGUMENT', 'Sound comes in samples of 16 bits')
    for (const event of this.#utterances.push(pcm)) {
      if (event.type === 'started') this.#onStarted()
      else this.#onEnded(event.pcm, event.cut)
    }
  }

  end(): void {
    this.#over.abort()
  }

  #onStarted(): void {
    const { conversation } = this.#needs
    if (conversation.isAnswering)
      conversation.send('INTERRUPT', { ...conversation.interrupt(), by: 'speech' })
    conversation.send('STATUS', { status: 'hearing' })
  }

  #onEnded(pcm: Buffer, cut: boolean): void {
    const { clock, metrics, conversation, endpointingMs } = this.#needs
    this.#refuseTooMuch(pcm.length)
    conversation.send('STATUS', { status: 'transcribing' })
    const beganAtMs = clock.monotonicMs() - (cut ? 0 : endpointingMs)
    const timing = createTurnClock({ kind: 'spoken', beganAtMs, clock, metrics })
    timing.lap('endpointing')
    this.#waiting += 1
    this.#waitingBytes += pcm.length
    this.#transcribed = this.#transcribed
      .then(() => this.#transcribe(pcm, timing))
      .catch((error: unknown) => {
        if (!this.#over.signal.aborted) conversation.sendError(error)
      })
      .finally(() => {
        this.#waiting -= 1
        this.#waitingBytes -= pcm.length
      })
  }

  /** One utterance is always taken, however long it may be. */
  #refuseTooMuch(bytes: number): void {
    const { queuedBytesMax } = this.#needs
    if (this.#waiting >= WAITING_MAX) {
      throw new ServiceError('RATE_LIMITED', `${WAITING_MAX} utterances wait for their text already`)
    }
    if (this.#waiting > 0 && this.#waitingBytes + bytes > queuedBytesMax) {
      throw new ServiceError(
        'RATE_LIMITED',
        `At most ${queuedBytesMax} bytes of sound may wait for their text`,
      )
    }
  }

  async #transcribe(pcm: Buffer, timing: TurnClock): Promise<void> {
    const { speech, conversation } = this.#needs
    if (speech.transcribe === null || this.#over.signal.aborted) return
    const text = await speech.transcribe(pcm, this.#over.signal)
    timing.lap('transcription')
    if (text === '') {
      conversation.send('STATUS', { status: 'active' })
      return
    }
    conversation.send('MESSAGE', { text, role: 'user' })
    const speak = speech.voice !== null
    conversation.enqueue({ kind: 'spoken', text, stream: true, speak, correlationId: undefined, timing })
  }
}
