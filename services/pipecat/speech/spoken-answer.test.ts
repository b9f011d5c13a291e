import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#chassis/testing.ts'
import { createSpokenAnswer } from './spoken-answer.ts'
import { SAMPLE_RATE_HZ } from './voice-activity.ts'
import type { Voice } from './voices.ts'

const FRAME_MS = 40
/** One frame being heard, one that waits, and the grain of a timer. */
const AHEAD_MS_MAX = 2 * FRAME_MS + 2

/** A voice that has everything at once: whatever keeps the sound back is not the voice. */
function voiceOf(ms: number, asked: string[] = []): Voice {
  return async function* speak(text) {
    asked.push(text)
    if (text === 'Mute.') throw new Error('no voice')
    yield new Int16Array((ms * SAMPLE_RATE_HZ) / 1000)
  }
}

/** An answer being said, and how far its sound was ahead of the ear at each frame; `onFrame` is told as it is sent. */
function saying(voice: Voice, onFrame: (frames: number) => void = () => undefined) {
  const controller = new AbortController()
  const sentences: { text: string; beforeFrame: number }[] = []
  const aheadMs: number[] = []
  let firstAtMs = 0
  const answer = createSpokenAnswer({
    voice,
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    signal: controller.signal,
    output: {
      onSentence: (_number, text) => sentences.push({ text, beforeFrame: aheadMs.length }),
      sendSound: () => {
        if (aheadMs.length === 0) firstAtMs = performance.now()
        aheadMs.push((aheadMs.length + 1) * FRAME_MS - (performance.now() - firstAtMs))
        onFrame(aheadMs.length)
      },
      room: async () => undefined,
      onFirstSentence: () => undefined,
      onFirstSound: () => undefined,
    },
  })
  return { answer, controller, sentences, aheadMs }
}

test('an answer whose voice fails says what came before it, and fails', async () => {
  const { answer, aheadMs } = saying(voiceOf(80))
  answer.add('One. Mute. Three. ')
  await assert.rejects(answer.finish(), /no voice/)
  assert.equal(aheadMs.length, 2)
})

test('after an interruption not one frame more is sent, and no other sentence is asked for', async () => {
  const asked: string[] = []
  const { answer, controller, aheadMs } = saying(voiceOf(400, asked), (frames) => {
    if (frames === 3) controller.abort()
  })
  answer.add('One. Two. Three. ')
  await assert.rejects(answer.finish())
  assert.equal(aheadMs.length, 3)
  assert.deepEqual(asked, ['One.', 'Two.'])
})

test('sound is never more than a frame ahead of the one being heard, however fast the voice is', async () => {
  const { answer, aheadMs } = saying(voiceOf(400))
  answer.add('One. Two. ')
  assert.equal(await answer.finish(), 20)
  assert.ok(Math.max(...aheadMs) <= AHEAD_MS_MAX, `${Math.max(...aheadMs)} ms ahead`)
})

test('the next sentence is asked for while one is said, and only that one', async () => {
  const asked: string[] = []
  const askedAt: number[] = []
  const { answer, sentences } = saying(voiceOf(200, asked), () => askedAt.push(asked.length))
  answer.add('One. Two. Three. ')
  await answer.finish()
  assert.deepEqual(askedAt, [2, 2, 2, 2, 2, ...Array.from({ length: 10 }, () => 3)])
  assert.deepEqual(sentences, [
    { text: 'One.', beforeFrame: 0 },
    { text: 'Two.', beforeFrame: 5 },
    { text: 'Three.', beforeFrame: 10 },
  ])
})

test('a sentence that comes while another is said follows it, and one that comes after is said too', async () => {
  const { answer, aheadMs, sentences } = saying(voiceOf(80), (frames) => {
    if (frames === 1) answer.add('Two. ')
  })
  answer.add('One. ')
  await eventually(() => aheadMs.length === 4)
  answer.add('Three')
  assert.equal(await answer.finish(), 6)
  assert.deepEqual(
    sentences.map(({ text }) => text),
    ['One.', 'Two.', 'Three'],
  )
})
