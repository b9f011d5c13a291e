import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROFILES } from '../profiles.ts'
import { plannedIterations } from '../run-parameters.ts'
import { createFaultPlan } from './faults.ts'
import { soakFaults } from './soak-provider.ts'

/** Above this share of degraded answers an alert fires, and the soak fails. */
const ALERT_SHARE = 0.05

function faultsOf(requests: number): readonly string[] {
  const plan = createFaultPlan()
  plan.set(soakFaults())
  return Array.from({ length: requests }, () => plan.take('primary')).flatMap((fault) =>
    fault === null ? [] : [JSON.stringify(fault)],
  )
}

test('the shortest soak meets every kind of fault, the same ones in every run, and too few for an alert', () => {
  const chats = Math.min(...Object.values(PROFILES).map((profile) => plannedIterations(profile).chat))
  const met = faultsOf(chats)
  assert.equal(new Set(met).size, soakFaults().length)
  assert.deepEqual(faultsOf(chats), met)
  assert.ok(met.length / chats < ALERT_SHARE, String(met.length / chats))
})

test('the spare model never fails: what the first one breaks is absorbed', () => {
  const plan = createFaultPlan()
  plan.set(soakFaults())
  assert.ok(Array.from({ length: 1000 }, () => plan.take('spare')).every((fault) => fault === null))
})
