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
/** How far the sound sent may be ahead of the sound heard: room for the next sentence, little to throw away. */
const LEAD_MS = 1_000

/** Says an answer sentence by sentence while it is being written. After `signal` aborts not one frame more is sent. */
export function createSpokenAnswer({ voice, output, clock, signal }: SpokenAnswerNeeds) {
  const sentences = createSentences()
  let spoken: Promise<void> = Promise.resolve()
  let count = 0
  let frames = 0
  /** When the sound sent so far will have been heard. */
  let heardAtMs = 0

  function enqueue(texts: readonly string[]): void {
    for (const text of texts) {
      if (count === 0) output.onFirstSentence()
      count += 1
      const sentence = count
      spoken = spoken.then(() => say(sentence, text))
      // Told once, by finish(); until then nobody may be listening.
      spoken.catch(() => undefined)
    }
  }

  async function say(sentence: number, text: string): Promise<void> {
    signal.throwIfAborted()
    let rest = new Int16Array(0)
    let isAnnounced = false
    for await (const samples of voice(text, signal)) {
      rest = joined(rest, samples)
      while (rest.length >= FRAME_SAMPLES) {
        if (!isAnnounced) output.onSentence(sentence, text)
        isAnnounced = true
        await sendFrame(rest.subarray(0, FRAME_SAMPLES))
        rest = rest.subarray(FRAME_SAMPLES)
      }
    }
    if (rest.length > 0) await sendFrame(rest)
  }

  async function sendFrame(samples: Int16Array): Promise<void> {
    const aheadMs = heardAtMs - clock.monotonicMs() - LEAD_MS
    if (aheadMs > 0) await sleep(aheadMs, undefined, { signal })
    await output.room()
    signal.throwIfAborted()
    if (frames === 0) output.onFirstSound()
    frames += 1
    output.sendSound(bytesOf(samples))
    heardAtMs = Math.max(heardAtMs, clock.monotonicMs()) + (samples.length * 1000) / SAMPLE_RATE_HZ
  }

  return {
    add: (text: string): void => enqueue(sentences.push(text)),
    /** Resolves when everything was sent, with the number of frames; rejects where the voice failed. */
    async finish(): Promise<number> {
      enqueue(sentences.flush())
      await spoken
      return frames
    },
  }
}

export type SpokenAnswer = ReturnType<typeof createSpokenAnswer>

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
