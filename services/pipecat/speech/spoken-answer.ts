import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#chassis/clock.ts'
import { createSentences } from './sentences.ts'
import { SAMPLE_RATE_HZ } from './voice-activity.ts'
import type { Voice } from './voices.ts'

/** Where sound goes, and what is said about it. */
export interface SoundOutput {
  /** A sentence begins with the next frame of sound. */
  onSentence(sentence: number, text: string): void
  sendSound(pcm: Buffer): void
  /** Resolves when the client has room for more. */
  room(): Promise<void>
  onFirstSentence(): void
  onFirstSound(): void
}

export interface SpokenAnswerNeeds {
  readonly voice: Voice
  readonly output: SoundOutput
  readonly clock: Clock
  readonly signal: AbortSignal
}

const FRAME_MS = 40
const FRAME_SAMPLES = (SAMPLE_RATE_HZ * FRAME_MS) / 1000
/**
 * A frame is sent when no more than this is left to be heard of those before it: whoever interrupts has one frame to
 * throw away. The pause between two sentences is bridged by asking for the next one early, not by sending ahead.
 */
const LEAD_MS = FRAME_MS

/** Says an answer sentence by sentence while it is being written. After `signal` aborts not one frame more is sent. */
export function createSpokenAnswer({ voice, output, clock, signal }: SpokenAnswerNeeds) {
  const sentences = createSentences()
  const turns = createTurns(say)
  const pace = createPace(clock, signal)
  let count = 0
  let frames = 0

  function enqueue(texts: readonly string[]): void {
    for (const text of texts) {
      if (count === 0) output.onFirstSentence()
      count += 1
      turns.add(createSentence(count, text, () => voice(text, signal)))
    }
  }

  async function say({ number, text, sound }: Sentence): Promise<void> {
    signal.throwIfAborted()
    let rest = new Int16Array(0)
    let isAnnounced = false
    for await (const samples of sound()) {
      rest = joined(rest, samples)
      while (rest.length >= FRAME_SAMPLES) {
        if (!isAnnounced) output.onSentence(number, text)
        isAnnounced = true
        await sendFrame(rest.subarray(0, FRAME_SAMPLES))
        rest = rest.subarray(FRAME_SAMPLES)
      }
    }
    if (rest.length > 0) await sendFrame(rest)
  }

  async function sendFrame(samples: Int16Array): Promise<void> {
    await pace.due()
    await output.room()
    signal.throwIfAborted()
    if (frames === 0) output.onFirstSound()
    frames += 1
    output.sendSound(bytesOf(samples))
    pace.sent(samples.length)
  }

  return {
    add: (text: string): void => enqueue(sentences.push(text)),
    /** Resolves when everything was sent, with the number of frames; rejects where the voice failed. */
    async finish(): Promise<number> {
      enqueue(sentences.flush())
      await turns.over()
      return frames
    },
  }
}

export type SpokenAnswer = ReturnType<typeof createSpokenAnswer>

/** One sentence is said after the other; the one after it is begun meanwhile. */
function createTurns(say: (sentence: Sentence) => Promise<void>) {
  const waiting: Sentence[] = []
  let said: Promise<void> = Promise.resolve()
  let isSaying = false

  async function sayWaiting(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      next.begin()
      waiting[0]?.begin()
      await say(next)
    }
    isSaying = false
  }

  return {
    add(sentence: Sentence): void {
      waiting.push(sentence)
      if (isSaying) {
        waiting[0]?.begin()
        return
      }
      isSaying = true
      said = said.then(sayWaiting)
      // Told once, by over(); until then nobody may be listening.
      said.catch(() => undefined)
    },
    /** Resolves when nothing waits; rejects where a sentence failed, after which no other is said. */
    over: (): Promise<void> => said,
  }
}

/** Holds frames back until the sound before them is about to have been heard. */
function createPace(clock: Clock, signal: AbortSignal) {
  let heardAtMs = 0
  return {
    async due(): Promise<void> {
      const aheadMs = heardAtMs - clock.monotonicMs() - LEAD_MS
      if (aheadMs > 0) await sleep(aheadMs, undefined, { signal })
    },
    sent(samples: number): void {
      heardAtMs = Math.max(heardAtMs, clock.monotonicMs()) + (samples * 1000) / SAMPLE_RATE_HZ
    },
  }
}

interface Sentence {
  readonly number: number
  readonly text: string
  /** Asks for the sound, once, and takes its first piece; the rest waits where it comes from. */
  readonly begin: () => void
  readonly sound: () => AsyncIterable<Int16Array>
}

function createSentence(number: number, text: string, speak: () => AsyncIterable<Int16Array>): Sentence {
  let begun: { iterator: AsyncIterator<Int16Array>; first: Promise<IteratorResult<Int16Array>> } | null = null
  const begin = () => {
    if (begun !== null) return begun
    const iterator = speak()[Symbol.asyncIterator]()
    const first = iterator.next()
    // Told where the sound is taken; an interrupted sentence is never taken.
    first.catch(() => undefined)
    begun = { iterator, first }
    return begun
  }
  return {
    number,
    text,
    begin,
    sound: async function* () {
      const { iterator, first } = begin()
      try {
        for (let next = await first; next.done !== true; next = await iterator.next()) yield next.value
      } finally {
        await iterator.return?.()
      }
    },
  }
}

function joined(first: Int16Array<ArrayBuffer>, second: Int16Array): Int16Array<ArrayBuffer> {
  const all = new Int16Array(first.length + second.length)
  all.set(first)
  all.set(second, first.length)
  return all
}

/** Little-endian, as every machine that Node runs on: a copy, since the samples are part of a larger piece. */
function bytesOf(samples: Int16Array): Buffer {
  return Buffer.from(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength))
}
