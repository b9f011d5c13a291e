import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceName } from '#catalog'
import { misbehaving, runPlanted, sentences, verdictOf } from './planted-run.ts'

test('a memory-engine that never syncs and an eva-os that burns nothing fail gate 4, each by its own criterion', async () => {
  const memory = misbehaving({ 'memory-engine': 'never-syncs' })
  const approvals = misbehaving({ 'eva-os': 'burns-nothing' })
  const programs = (service: ServiceName) => (service === 'eva-os' ? approvals : memory)(service)
  const result = await runPlanted({
    gate: 'durability',
    profile: { kills: 1, stateKills: 1, powerLossImages: 6 },
    planted: { programs },
  })
  assert.equal(result.verdict, 'FAIL', sentences(result))
  assert.equal(verdictOf(result, 'durability.power-losses'), 'FAIL')
  assert.equal(verdictOf(result, 'durability.approval-kills'), 'FAIL')
  assert.equal(verdictOf(result, 'durability.failed'), 'FAIL')
  // A process that is killed loses nothing at any setting; what was not spoilt holds.
  assert.equal(verdictOf(result, 'durability.kills'), 'PASS')
  assert.equal(verdictOf(result, 'durability.session-kills'), 'PASS')
  assert.equal(verdictOf(result, 'durability.damages'), 'PASS')
})
