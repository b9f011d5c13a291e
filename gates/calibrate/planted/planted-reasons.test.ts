import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REASON_CODES } from '../../engine/types.ts'
import { plantedCases } from './planted-cases.ts'

/** Planted where Prometheus itself must fail: gates/commands/judge.real.test.ts. */
const ELSEWHERE = ['EVALUATION_ERROR']

test('every reason code of the closed list is demanded of a planted case', () => {
  const demanded = new Set<string>(plantedCases().flatMap(({ expect }) => Object.values(expect)))
  const missing = REASON_CODES.filter((code) => !demanded.has(code))
  assert.deepEqual(missing, ELSEWHERE)
})
