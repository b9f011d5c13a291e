import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createVoiceActivity, FRAME_SAMPLES, levelDbfs } from './voice-activity.ts'

fc.configureGlobal({ seed: 20261124 })

const SETTINGS = { startDb: 12, stopDb: 7, minimumDbfs: -50, startMs: 60, stopMs: 600 }
const START_FRAMES = 3
const STOP_FRAMES = 30

/** A square wave: its level is exactly its amplitude. */
function frameAt(dbfs: number): Int16Array {
  const amplitude = Math.round(32_768 * 10 ** (dbfs / 20))
  return Int16Array.from({ length: FRAME_SAMPLES }, (_, index) =>
    Math.max(-32_768, Math.min(32_767, index % 2 === 0 ? amplitude : -amplitude)),
  )
}

function statesOf(levels: readonly number[]): string[] {
  const activity = createVoiceActivity(SETTINGS)
  return levels.map((level) => activity.push(frameAt(level)))
}

function turnsOf(levels: readonly number[]): string[] {
  return statesOf(levels).filter((state) => state === 'started' || state === 'ended')
}

const times = (count: number, level: number) => Array<number>(count).fill(level)

test('silence, and noise below the least level, never is speech', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -90, max: -51 }), { maxLength: 400 }), (levels) => {
      assert.deepEqual(turnsOf(levels), [])
    }),
  )
})

test('a click shorter than the least run is no speech', () => {
  assert.deepEqual(turnsOf([...times(50, -70), ...times(START_FRAMES - 1, -10), ...times(50, -70)]), [])
})

test('starts and ends alternate, whatever comes', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -90, max: 0 }), { maxLength: 600 }), (levels) => {
      const turns = turnsOf(levels)
      assert.ok(turns.every((turn, index) => turn === (index % 2 === 0 ? 'started' : 'ended')))
    }),
  )
})

test('speech between silences is found once, as soon as the run is complete, and ends after the pause', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: START_FRAMES, max: 200 }),
      fc.integer({ min: -45, max: 0 }),
      (length, level) => {
        const states = statesOf([...times(20, -70), ...times(length, level), ...times(STOP_FRAMES, -70)])
        assert.equal(states.indexOf('started'), 20 + START_FRAMES - 1)
        assert.equal(states.indexOf('ended'), 20 + length + STOP_FRAMES - 1)
        assert.equal(states.filter((state) => state === 'started').length, 1)
      },
    ),
  )
})

test('pauses shorter than the stop time, and levels between the two thresholds, do not end an utterance', () => {
  const short = [...times(10, -20), ...times(STOP_FRAMES - 1, -70)]
  assert.deepEqual(turnsOf([...short, ...short, ...times(10, -20)]), ['started'])
  // Starts at -48, would stop below -53: -51 is in between.
  assert.deepEqual(turnsOf([...times(10, -45), ...times(200, -51)]), ['started'])
  assert.deepEqual(turnsOf(times(200, -51)), [])
})

test('given up, a steady noise is the noise of the place: only what is louder is speech again', () => {
  const activity = createVoiceActivity(SETTINGS)
  for (const level of times(500, -35)) activity.push(frameAt(level))
  activity.giveUp()
  const later = times(500, -35).map((level) => activity.push(frameAt(level)))
  assert.deepEqual(new Set(later), new Set(['silence']))
  const louder = times(START_FRAMES, -15).map((level) => activity.push(frameAt(level)))
  assert.equal(louder.at(-1), 'started')
})

test('the level of full scale is 0 dB, of nothing -90', () => {
  assert.ok(Math.abs(levelDbfs(frameAt(0))) < 0.01)
  assert.equal(levelDbfs(new Int16Array(FRAME_SAMPLES)), -90)
})
