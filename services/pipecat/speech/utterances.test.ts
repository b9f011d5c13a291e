import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createUtterances, type UtteranceEvent } from './utterances.ts'
import { createVoiceActivity } from './voice-activity.ts'

fc.configureGlobal({ seed: 20261124 })

const SETTINGS = { startDb: 12, stopDb: 7, minimumDbfs: -50, startMs: 60, stopMs: 600 }
const BYTES_A_MS = 32

function listen(pieces: readonly Buffer[], utteranceMsMax = 30_000): UtteranceEvent[] {
  const utterances = createUtterances(createVoiceActivity(SETTINGS), utteranceMsMax)
  return pieces.flatMap((piece) => utterances.push(piece))
}

function silence(ms: number): Buffer {
  return Buffer.alloc(ms * BYTES_A_MS)
}

function tone(ms: number, amplitude = 8_000): Buffer {
  const bytes = Buffer.alloc(ms * BYTES_A_MS)
  for (let index = 0; index * 2 < bytes.length; index += 1) {
    bytes.writeInt16LE(Math.round(amplitude * Math.sin(index / 5)), index * 2)
  }
  return bytes
}

const SAID = Buffer.concat([silence(500), tone(700), silence(1_000), tone(900), silence(900)])

test('the same is heard however the sound is cut into pieces', () => {
  const whole = listen([SAID])
  assert.deepEqual(
    whole.map(({ type }) => type),
    ['started', 'ended', 'started', 'ended'],
  )
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 40 }), (sizes) => {
      const pieces: Buffer[] = []
      let at = 0
      for (const size of sizes) {
        pieces.push(SAID.subarray(at, at + size))
        at += size
      }
      pieces.push(SAID.subarray(at))
      assert.deepEqual(listen(pieces), whole)
    }),
    { numRuns: 40 },
  )
})

test('an utterance holds all that was said, and a little before it', () => {
  const spoken = tone(700)
  const [, ended] = listen([Buffer.concat([silence(500), spoken, silence(700)])])
  assert.ok(ended?.type === 'ended' && !ended.cut)
  const at = ended.pcm.indexOf(spoken)
  assert.ok(at > 0 && at <= 300 * BYTES_A_MS, `begins ${at} bytes before`)
})

test('endless sound is cut at the longest utterance, and then no longer speech', () => {
  const events = listen([tone(20_000)], 2_000)
  assert.deepEqual(
    events.map((event) => (event.type === 'ended' ? [event.cut, event.pcm.length] : event.type)),
    ['started', [true, 2_000 * BYTES_A_MS]],
  )
})
