import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOpsMetrics } from '#ops/ops-metrics.ts'
import { hostForTest } from '../host-for-test.ts'
import { PROFILES } from '../profiles.ts'
import { watchBudget } from './budget-watch.ts'
import type { GateContext } from './gate-context.ts'
import { silentProgress } from './progress.ts'

const PROFILE = { ...PROFILES.release, actionPerSecond: 0, voicePerSecond: 0 }

/** A watch over the release soak's 172,800 chats whose failures are given; what it said, stopped and exported. */
function watching() {
  const seen = { errors: 0, said: [] as string[], stops: 0 }
  const ops = createOpsMetrics()
  const progress = { ...silentProgress, say: (line: string) => void seen.said.push(line) }
  const instant = (query: string, time: number) => {
    const data = [{ labels: {}, time, value: String(seen.errors) }]
    return Promise.resolve({ kind: 'instant', query, time, data, fault: null } as const)
  }
  const watch = { ops } as unknown as GateContext['watch']
  const context = { profile: PROFILE, host: hostForTest([]), progress, watch }
  const budget = watchBudget(context, { stop: () => void (seen.stops += 1) }, { instant })
  const look = async (errors: number) => {
    seen.errors = errors
    await budget.look()
  }
  const exported = async (name: string) => (await ops.registry.getSingleMetric(name)?.get())?.values[0]?.value
  return { seen, look, exported }
}

test('the 863rd of 172,800 stops nothing, the 864th stops the load, once', async () => {
  const { seen, look, exported } = watching()
  await look(863)
  assert.equal(seen.stops, 0)
  await look(864)
  await look(870)
  assert.equal(seen.stops, 1)
  assert.match(seen.said.at(-1) ?? '', /864 failed responses; 864 lose the gate: stopping the load/)
  assert.equal(await exported('sonia_load_failed_responses'), 870)
  assert.equal(await exported('sonia_load_error_budget_responses'), 864)
})

test('that no PASS can be reached any more is said once, before the gate is lost', async () => {
  const { seen, look } = watching()
  await look(0)
  await look(700)
  assert.deepEqual(seen.said, [])
  await look(830)
  await look(831)
  assert.equal(seen.stops, 0)
  assert.equal(seen.said.length, 1)
  assert.match(seen.said[0] ?? '', /830 failed responses; from 8\d\d on the gate cannot pass any more/)
})
