import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDrillRecord, SCENARIOS } from './drill-record.ts'

interface Written {
  readonly scenarios: Readonly<
    Record<string, Readonly<Record<string, { held: number; not_held: number; said: string[] }>>>
  >
  readonly seconds: Readonly<Record<string, number>>
}

function written(work: (record: ReturnType<typeof createDrillRecord>) => void): Written {
  const record = createDrillRecord()
  work(record)
  return JSON.parse(record.toJson()) as Written
}

test('each of the four failure scenarios is in the record, also where its checks never ran', () => {
  const { scenarios } = written(() => {})
  assert.deepEqual(Object.keys(scenarios), [
    'service_crash',
    'disk_full',
    'data_corruption',
    'operator_mistake',
  ])
  for (const [name, checks] of Object.entries(SCENARIOS)) {
    for (const check of checks) {
      assert.deepEqual(scenarios[name]?.[check], { held: 0, not_held: 0, said: [] })
    }
  }
})

test('what did not hold stands in its scenario with what was said', () => {
  const { scenarios, seconds } = written((record) => {
    record.count('full-disk', false, 'ended with IO_ERROR')
    record.count('kill', true)
    record.count('kill', true)
    record.time('restore', 1.23456)
  })
  assert.deepEqual(scenarios['disk_full']?.['full-disk'], {
    held: 0,
    not_held: 1,
    said: ['ended with IO_ERROR'],
  })
  assert.equal(scenarios['service_crash']?.['kill']?.held, 2)
  assert.deepEqual(seconds, { restore: 1.235 })
})
