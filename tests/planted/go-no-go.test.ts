import assert from 'node:assert/strict'
import { test } from 'node:test'
import { misbehaving, runPlanted, verdictOf } from './planted-run.ts'

test('a service that ignores SIGTERM fails the gate', async () => {
  const programs = misbehaving('model-router', 'ignores-sigterm')
  const result = await runPlanted({
    gate: 'go-no-go',
    planted: { programs, testFiles: 'tests/none/*.test.ts' },
  })
  assert.equal(result.verdict, 'FAIL')
  assert.equal(verdictOf(result, 'go-no-go.stop-faults'), 'FAIL')
  assert.match(result.criteria.find(({ id }) => id === 'go-no-go.stop-faults')?.sentence ?? '', /no-sigkill/)
})

test('a grandchild that left its process group fails the gate', async () => {
  const programs = misbehaving('openclaw', 'leaves-a-grandchild')
  const result = await runPlanted({
    gate: 'go-no-go',
    planted: { programs, testFiles: 'tests/none/*.test.ts' },
  })
  assert.equal(result.verdict, 'FAIL')
  assert.match(
    result.criteria.find(({ id }) => id === 'go-no-go.stop-faults')?.sentence ?? '',
    /no-leftovers/,
  )
})

test('0 tests collected fail gate 2B', async () => {
  const result = await runPlanted({ gate: 'determinism', planted: { testFiles: 'tests/none/*.test.ts' } })
  assert.equal(result.verdict, 'FAIL')
  assert.equal(verdictOf(result, 'determinism.enough'), 'FAIL')
})

test('a flaky test fails gate 2B and is named', async () => {
  const result = await runPlanted({
    gate: 'determinism',
    planted: { testFiles: 'tests/planted/flaky/*.ts' },
  })
  assert.equal(result.verdict, 'FAIL')
  const { sentence } = result.criteria.find(({ id }) => id === 'determinism.same-outcomes') ?? {
    sentence: '',
  }
  assert.match(sentence, /at-042 flaky\.ts: passes every other time/)
})
