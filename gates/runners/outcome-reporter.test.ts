import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { TestOutcome } from './test-run.ts'

const REPORTER = fileURLToPath(new URL('outcome-reporter.ts', import.meta.url))

/** Outcomes that the reporter writes for a file of tests, run by node itself. */
function outcomesOf(source: string): readonly TestOutcome[] {
  const folder = mkdtempSync(join(tmpdir(), 'sonia-reporter-'))
  try {
    const file = join(folder, 'demo.test.mjs')
    writeFileSync(file, `import { test, describe } from 'node:test'\n${source}`)
    const args = ['--test', '--test-isolation=none', `--test-reporter=${REPORTER}`, file]
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { PATH: '/usr/bin' } })
    return JSON.parse(stdout) as readonly TestOutcome[]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('a failed, a skipped and a todo test are never reported as passed', () => {
  const outcomes = outcomesOf(`
    test('fails', () => { throw new Error('planted') })
    test.skip('skipped', () => {})
    test.todo('to do', () => {})
    test('passes', () => {})
  `)
  assert.deepEqual(
    outcomes.map(({ name, outcome }) => [name, outcome]),
    [
      ['demo.test.mjs: fails', 'failed'],
      ['demo.test.mjs: skipped', 'skipped'],
      ['demo.test.mjs: to do', 'skipped'],
      ['demo.test.mjs: passes', 'passed'],
    ],
  )
})

test('a file that throws while it is read is a failed test, not an absent one', () => {
  const outcomes = outcomesOf(`throw new Error('planted')`)
  assert.ok(outcomes.some(({ outcome }) => outcome === 'failed'))
})

test('suites are not counted as tests', () => {
  const outcomes = outcomesOf(`describe('group', () => { test('one', () => {}) })`)
  assert.deepEqual(
    outcomes.map(({ name }) => name),
    ['demo.test.mjs: one'],
  )
})

test('no tests give no outcomes', () => {
  assert.deepEqual(outcomesOf(''), [])
})
