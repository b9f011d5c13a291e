import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROFILES } from '../profiles.ts'
import { errorBudget, errorsSoFar } from './error-budget.ts'

const RELEASE_CHAT_ALONE = { ...PROFILES.release, actionPerSecond: 0, voicePerSecond: 0 }

test('the 864th failed chat of 172,800 loses the gate', () => {
  assert.equal(errorBudget(RELEASE_CHAT_ALONE), 864)
})

test('a voice session has two answers that can fail', () => {
  const profile = { ...RELEASE_CHAT_ALONE, chatPerSecond: 0, voicePerSecond: 1 }
  assert.equal(errorBudget(profile), 1728)
})

test('a Prometheus that does not answer stops nothing: only the gate judges', async () => {
  const fault = { kind: 'unreachable', message: 'planted' } as const
  const instant = (query: string, time: number) =>
    Promise.resolve({ kind: 'instant', query, time, data: [], fault } as const)
  const client = { instant, range: () => Promise.reject(new Error('not asked')) }
  assert.equal(await errorsSoFar(client, 0), 0)
})
