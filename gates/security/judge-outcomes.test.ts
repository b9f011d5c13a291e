import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CaseOutcome } from './corpus-case.ts'
import { countOutcomes, differingOutcomes, isAsExpected } from './judge-outcomes.ts'

const expected = { status: 403, code: 'FORBIDDEN', reason: 'LINK_REFUSED' }
const received = { ...expected, execution: null }

const outcome = (changes: Partial<CaseOutcome> = {}): CaseOutcome => ({
  id: 'F-001',
  class: 'F',
  title: 'a link',
  owasp: 'A01:2021 Broken Access Control',
  kind: 'attack',
  variant: 'service_token',
  sent: { kind: 'tool', tool_name: 'file.read', args: { path: 'link' } },
  expected,
  received,
  touched: [],
  passed: true,
  ...changes,
})

test('another status, code or reason is not what was expected', () => {
  for (const change of [
    { status: 404 },
    { code: 'NOT_FOUND' },
    { reason: null },
    { reason: 'OUTSIDE_SANDBOX' },
  ]) {
    assert.equal(isAsExpected(expected, { ...received, ...change }, ''), false, JSON.stringify(change))
  }
  assert.equal(isAsExpected(expected, received, ''), true)
})

test('a benign answer must have run and hold the text it was asked for', () => {
  const benign = { status: 200, code: null, reason: null, execution: 'executed', contains: 'alpha' }
  const ran = { status: 200, code: null, reason: null, execution: 'executed' }
  assert.equal(isAsExpected(benign, ran, '{"stdout":"beta"}'), false)
  assert.equal(isAsExpected(benign, { ...ran, execution: 'timeout' }, 'alpha'), false)
  assert.equal(isAsExpected(benign, ran, '{"stdout":"alpha"}'), true)
})

test('what the door refuses does not count as an attack refused', () => {
  const counts = countOutcomes([
    outcome({ variant: 'no_token' }),
    outcome({ variant: 'forged_token' }),
    outcome(),
    outcome({ variant: 'with_approval', passed: false, touched: ['sandbox'] }),
    outcome({ kind: 'benign', class: 'A', passed: false }),
  ])
  assert.deepEqual(counts, {
    attacks: 2,
    attacks_refused: 1,
    door: 2,
    door_refused: 2,
    benign: 1,
    benign_served: 0,
    canaries_touched: 1,
    classes: ['A', 'F'],
  })
})

test('two runs differ where an answer, a canary or the presence of a case differs', () => {
  const one = [outcome(), outcome({ id: 'F-002' }), outcome({ id: 'F-003' })]
  const other = [outcome(), outcome({ id: 'F-002', touched: ['secret'] })]
  assert.deepEqual(differingOutcomes(one, other), ['F-002 service_token', 'F-003 service_token'])
  assert.deepEqual(differingOutcomes(one, [...one].toReversed()), [])
})
