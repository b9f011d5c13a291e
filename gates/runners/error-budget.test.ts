import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadCriteriaFolder } from '../engine/load-criteria.ts'
import { wilsonUpperBound } from '../judges/wilson-bound.ts'
import { PROFILES } from '../profiles.ts'
import { ERROR_CONFIDENCE, errorBudget, errorsSoFar } from './error-budget.ts'

const RELEASE_CHAT_ALONE = { ...PROFILES.release, actionPerSecond: 0, voicePerSecond: 0 }

test('the 864th failed chat of 172,800 loses the gate', () => {
  assert.equal(errorBudget(RELEASE_CHAT_ALONE).loses, 864)
})

test('a voice session has two answers that can fail', () => {
  const profile = { ...RELEASE_CHAT_ALONE, chatPerSecond: 0, voicePerSecond: 1 }
  assert.equal(errorBudget(profile).loses, 1728)
})

test('one error less than makes PASS unreachable still passes, and it is fewer than lose the gate', () => {
  const { unprovable, loses } = errorBudget(RELEASE_CHAT_ALONE)
  assert.ok(unprovable < loses)
  assert.ok(wilsonUpperBound(unprovable - 1, 172_800, ERROR_CONFIDENCE) < 0.005)
  assert.ok(wilsonUpperBound(unprovable, 172_800, ERROR_CONFIDENCE) >= 0.005)
})

test('a load too small to show anything cannot pass from its first response on', () => {
  assert.equal(errorBudget({ ...RELEASE_CHAT_ALONE, soakSeconds: 100 }).unprovable, 0)
})

test('the budget is that of the criterion', async () => {
  const [gate] = (await loadCriteriaFolder(fileURLToPath(new URL('../criteria', import.meta.url)))).filter(
    (one) => one.gate === 'soak',
  )
  const judge = gate?.criteria.find(({ id }) => id === 'soak.error-ratio')?.judge
  assert.ok(judge?.kind === 'ratio-bound')
  assert.equal(judge.confidence, ERROR_CONFIDENCE)
  assert.equal(errorBudget(RELEASE_CHAT_ALONE).loses, Math.ceil(Number(judge.limit) * 172_800))
})

test('a Prometheus that does not answer stops nothing: only the gate judges', async () => {
  const fault = { kind: 'unreachable', message: 'planted' } as const
  const instant = (query: string, time: number) =>
    Promise.resolve({ kind: 'instant', query, time, data: [], fault } as const)
  assert.equal(await errorsSoFar({ instant }, 0), 0)
})
