import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signersMin } from './rotation-under-load.ts'

test('a rotation counts as taken over only where its key had the time to sign', () => {
  const leadSeconds = 6
  assert.equal(signersMin({ seconds: 60, rotations: 2, leadSeconds }), 3)
  assert.equal(signersMin({ seconds: 20, rotations: 2, leadSeconds }), 2)
  assert.equal(signersMin({ seconds: 10, rotations: 2, leadSeconds }), 1)
})
