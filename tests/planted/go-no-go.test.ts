import assert from 'node:assert/strict'
import { test } from 'node:test'
import { misbehaving, runPlanted, verdictOf } from './planted-run.ts'

test('a service that ignores SIGTERM and a grandchild that left its process group fail the gate, each for itself', async () => {
  const result = await runPlanted({
    gate: 'go-no-go',
    planted: {
      programs: misbehaving({ 'model-router': 'ignores-sigterm', openclaw: 'leaves-a-grandchild' }),
      testFiles: 'tests/none/*.test.ts',
    },
  })
  assert.equal(result.verdict, 'FAIL')
  const faults = result.criteria.find(({ id }) => id === 'go-no-go.stop-faults')
  assert.equal(faults?.verdict, 'FAIL')
  assert.match(faults.sentence, /no-sigkill/)
  assert.match(faults.sentence, /no-leftovers/)
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
