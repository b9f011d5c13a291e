import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { calibrateFamilies } from './calibrate-families.ts'
import { FAMILIES } from './histories/families.ts'
import { keptVerdicts } from './kept-verdicts.ts'
import { planHistories } from './plan-histories.ts'

const families = FAMILIES.filter(({ id }) => ['short', 'delta-short', 'leak-5'].includes(id))
const [family] = families
if (family === undefined) throw new Error('there are no families')
const PASSED = { verdict: 'PASS', surprise: null } as const

function inScratch(check: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'sonia-kept-'))
  try {
    check(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('verdicts of another seed, of other code and what is no verdict are refused, with the file', () => {
  inScratch((folder) => {
    keptVerdicts(folder, { seed: 1, code: 'a' }).write(family.id, [PASSED])
    const plan = { family, histories: 1 }
    const names = new RegExp(`${family.id}\\.json`)
    assert.throws(() => keptVerdicts(folder, { seed: 2, code: 'a' }).read(plan), names)
    assert.throws(() => keptVerdicts(folder, { seed: 1, code: 'b' }).read(plan), names)
    writeFileSync(join(folder, `${family.id}.json`), '{"seed":1,')
    assert.throws(() => keptVerdicts(folder, { seed: 1, code: 'a' }).read(plan), names)
  })
})

test('fewer verdicts than asked for are none; of more the first ones count', () => {
  inScratch((folder) => {
    const kept = keptVerdicts(folder, { seed: 1, code: 'a' })
    assert.equal(kept.read({ family, histories: 1 }), null)
    kept.write(family.id, [PASSED, { verdict: 'FAIL', surprise: 0.1 }])
    assert.equal(kept.read({ family, histories: 3 }), null)
    assert.deepEqual(kept.read({ family, histories: 1 }), [PASSED])
  })
})

test('families at exactly delta and those that whole gates are made of get more histories', () => {
  const plans = planHistories(families, { histories: 300, margin: 1000, gates: 20 })
  assert.deepEqual(
    plans.map((plan) => [plan.family.id, plan.histories]),
    [
      ['short', 600],
      ['delta-short', 1000],
      ['leak-5', 300],
    ],
  )
})

test('an interrupted calibration says what is judged whole, and nothing of the rest', async () => {
  const stop = new AbortController()
  const plans = families.map((one, index) => ({ family: one, histories: index === 0 ? 10 : 100_000 }))
  const rates = await calibrateFamilies({
    plans,
    seed: 1,
    workers: 1,
    signal: stop.signal,
    onFamily: () => stop.abort(),
  })
  assert.deepEqual(
    rates.map((one) => [one.family, one.histories]),
    [[family.id, 10]],
  )
})
