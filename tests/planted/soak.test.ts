import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CATALOG, portAt, SERVICE_NAMES } from '#catalog'
import { startPager } from '#gates/doubles/pager.ts'
import type { GateResult, ValidPart } from '#gates/engine/types.ts'
import { statedPart } from '#gates/engine/valid-part.ts'
import type { LoadedParts } from '#gates/runners/gate-context.ts'
import { misbehaving, PORT_BASE, reasonsOf, runPlanted, sentences, verdictOf } from './planted-run.ts'

test('errors that spend the budget end the soak at once, fail the gate, and page', async () => {
  const pager = await startPager({ port: 0, nowMs: () => performance.now() })
  try {
    const result = await runPlanted({
      gate: 'soak',
      profile: { soakSeconds: 60, drainSeconds: 8 },
      planted: { programs: misbehaving({ 'api-gateway': 'answers-500' }) },
      watchOptions: {
        receivers: { page: { webhook_configs: [{ url: `${pager.url}/page` }] } },
        alertWaits: { pageSeconds: 0, ticketSeconds: 1, intervalSeconds: 1 },
      },
    })
    assert.equal(result.verdict, 'FAIL')
    assert.equal(verdictOf(result, 'soak.error-ratio'), 'FAIL')
    assert.ok(result.end - result.start < 60, `it ended after ${result.end - result.start} s`)
    const pages = pager.notices.filter(({ receiver, status }) => receiver === 'page' && status === 'firing')
    assert.deepEqual(
      pages.map(({ alert, service }) => [alert, service]),
      [['SoakBudgetSpent', 'soak']],
    )
  } finally {
    await pager.stop()
  }
})

test('a service killed and restarted in the middle of the soak fails the gate', async () => {
  const result = await runPlanted({
    gate: 'soak',
    planted: {
      onLoadStarted: ({ stack }) => void setTimeout(() => stack.kill('memory-engine', 'SIGKILL'), 4000),
    },
  })
  assert.equal(result.verdict, 'FAIL')
  assert.equal(verdictOf(result, 'soak.supervised-restarts'), 'FAIL')
})

test('a soak that the embedded provider answered is not passed, though nothing failed', async () => {
  const result = await runPlanted({ gate: 'soak', planted: { modelRouter: {} } })
  const provider = result.criteria.find(({ id }) => id === 'soak.provider')
  assert.equal(provider?.verdict, 'FAIL', provider?.sentence)
  assert.equal(provider.value, 0)
  assert.equal(result.verdict, 'FAIL')
})

test('k6 killed in the middle is inconclusive: the load was not delivered', async () => {
  const result = await runPlanted({
    gate: 'soak',
    planted: { onLoadStarted: ({ k6Pid }) => void setTimeout(() => process.kill(k6Pid, 'SIGKILL'), 6000) },
  })
  assert.equal(result.verdict, 'INCONCLUSIVE', sentences(result))
  assert.ok(reasonsOf(result).has('LOAD_NOT_DELIVERED'))
  // Loaded from about its first second to the kill after six.
  const { start, end } = validPartOf(result)
  assert.ok(start - result.start <= 5 && end - result.start <= 8 && end > start, statedPart(result)[0])
})

test('a Prometheus that was killed and started again in the middle is inconclusive, and what is valid is stated', async () => {
  const killThrice = ({ watch }: LoadedParts) => {
    for (const ms of [8000, 9000, 10_000]) setTimeout(() => watch.kill('prometheus', 'SIGKILL'), ms)
  }
  const result = await runPlanted({
    gate: 'soak',
    profile: { soakSeconds: 30 },
    planted: { onLoadStarted: killThrice },
  })
  assert.equal(result.verdict, 'INCONCLUSIVE', sentences(result))
  assert.ok(reasonsOf(result).has('COVERAGE'), sentences(result))
  for (const id of ['soak.coverage', 'soak.stuck-requests', 'soak.sessions-ledger'])
    assert.equal(verdictOf(result, id), 'INCONCLUSIVE', sentences(result))
  // The longer part lies behind the hole and reaches to the end.
  const { start, end, share, sentence } = validPartOf(result)
  assert.equal(end, result.end, sentence)
  assert.ok(start - result.start >= 8 && share > 0.3 && share < 0.9, sentence)
})

test('Prometheus without one target is inconclusive: coverage', async () => {
  const targets = SERVICE_NAMES.filter((service) => service !== 'eva-os').map((service) => ({
    service,
    address: `127.0.0.1:${portAt(CATALOG[service].port, PORT_BASE)}`,
  }))
  const result = await runPlanted({ gate: 'soak', watchOptions: { targets } })
  assert.equal(result.verdict, 'INCONCLUSIVE', sentences(result))
  assert.ok(reasonsOf(result).has('COVERAGE'))
})

test('a target whose scrapes fail half of the time is inconclusive: coverage', async () => {
  const programs = misbehaving({ openclaw: 'hides-its-metrics' })
  const result = await runPlanted({ gate: 'soak', planted: { programs } })
  assert.equal(result.verdict, 'INCONCLUSIVE', sentences(result))
  assert.ok(reasonsOf(result).has('COVERAGE'))
})

function validPartOf(result: GateResult): ValidPart {
  const part = result.valid_part
  assert.ok(part !== undefined && part.share > 0, part?.sentence)
  assert.deepEqual(statedPart(result), [part.sentence])
  return part
}
