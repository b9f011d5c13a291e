import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyRoles, type KeyTimes } from './key-roles.ts'

fc.configureGlobal({ seed: 20261124 })

const TIMES: KeyTimes = { rotateAfterMs: 86_400_000, leadMs: 10_000, retireAfterMs: 310_000 }
const TOKEN_LIFE_MS = 300_000
const STEP_MS = 1_000

interface Key {
  readonly createdAtMs: number
}

/** What was published and who signed, second by second, with rotations asked for at the given seconds. */
function simulate(rotations: ReadonlySet<number>, seconds: number) {
  let keys: Key[] = []
  const history: { readonly published: readonly Key[]; readonly signing: Key | undefined }[] = []
  for (let second = 0; second < seconds; second++) {
    const nowMs = second * STEP_MS
    if (keyRoles(keys, nowMs, TIMES).needsNew || rotations.has(second))
      keys = [...keys, { createdAtMs: nowMs }]
    const { retired } = keyRoles(keys, nowMs, TIMES)
    keys = keys.filter((key) => !retired.includes(key))
    history.push({ published: keys, signing: keyRoles(keys, nowMs, TIMES).signing })
  }
  return history
}

test('whenever keys are rotated, every token can be verified from before it is signed until it dies', () => {
  const rotations = fc.uniqueArray(fc.integer({ min: 1, max: 900 }), { maxLength: 8 })
  fc.assert(
    fc.property(rotations, (asked) => {
      const history = simulate(new Set(asked), 1_500)
      history.forEach(({ signing }, second) => {
        assert.ok(signing !== undefined)
        const from = Math.max(0, second - TIMES.leadMs / STEP_MS)
        const to = Math.min(history.length - 1, second + TOKEN_LIFE_MS / STEP_MS)
        for (const at of [from, second, to])
          assert.ok(history[at]?.published.includes(signing), `${second} at ${at}`)
      })
    }),
    { numRuns: 60 },
  )
})

test('keys do not pile up: after a rotation the old one goes', () => {
  const history = simulate(new Set([10, 20, 30]), 500)
  assert.equal(history[35]?.published.length, 4)
  assert.deepEqual(history.at(-1)?.published, [{ createdAtMs: 30_000 }])
})

test('a new key is due after 24 hours, not a second earlier', () => {
  const keys = [{ createdAtMs: 0 }]
  assert.equal(keyRoles(keys, TIMES.rotateAfterMs - 1, TIMES).needsNew, false)
  assert.equal(keyRoles(keys, TIMES.rotateAfterMs, TIMES).needsNew, true)
  assert.equal(keyRoles([], 0, TIMES).signing, undefined)
})
