import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { env } from 'node:process'
import { test } from 'node:test'
import { STACK_VARIABLE } from '#gates/runners/test-run.ts'

for (let number = 1; number <= 41; number += 1) test(`steady ${number}`, () => undefined)

// Each run has a state folder of its own, named after its number.
test('passes twice, and no third time', () => {
  const given = env[STACK_VARIABLE]
  if (given === undefined) throw new Error('only a planted run says which stack')
  const { home } = JSON.parse(given) as { home: string }
  assert.notEqual(basename(home), 'tests-3')
})
