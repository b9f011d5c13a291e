import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { env } from 'node:process'
import { test } from 'node:test'
import { STACK_VARIABLE } from '#gates/runners/test-run.ts'

for (let number = 1; number <= 41; number += 1) test(`steady ${number}`, () => undefined)

// Two runs have two state folders side by side: the first one finds no trace of another, the second one does.
test('passes every other time', () => {
  const given = env[STACK_VARIABLE]
  if (given === undefined) throw new Error('only a planted run says which stack')
  const { home } = JSON.parse(given) as { home: string }
  const trace = join(dirname(home), 'flaky-ran-before')
  const isSecond = existsSync(trace)
  writeFileSync(trace, '')
  assert.equal(isSecond, false)
})
