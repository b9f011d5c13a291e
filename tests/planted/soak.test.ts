import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CATALOG, portAt, SERVICE_NAMES } from '#catalog'
import { misbehaving, PORT_BASE, reasonsOf, runPlanted, verdictOf } from './planted-run.ts'

test('a service that answers 5 % of the chats with errors fails the gate', async () => {
  const result = await runPlanted({
    gate: 'soak',
    planted: { programs: misbehaving('api-gateway', 'answers-500') },
  })
  assert.equal(result.verdict, 'FAIL')
  assert.equal(verdictOf(result, 'soak.error-ratio'), 'FAIL')
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

test('k6 killed in the middle is inconclusive: the load was not delivered', async () => {
  const result = await runPlanted({
    gate: 'soak',
    planted: { onLoadStarted: ({ k6Pid }) => void setTimeout(() => process.kill(k6Pid, 'SIGKILL'), 6000) },
  })
  assert.equal(result.verdict, 'INCONCLUSIVE', sentences(result))
  assert.ok(reasonsOf(result).has('LOAD_NOT_DELIVERED'))
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
  const programs = misbehaving('openclaw', 'hides-its-metrics')
  const result = await runPlanted({ gate: 'soak', planted: { programs } })
  assert.equal(result.verdict, 'INCONCLUSIVE', sentences(result))
  assert.ok(reasonsOf(result).has('COVERAGE'))
})

function sentences({ criteria }: Awaited<ReturnType<typeof runPlanted>>): string {
  return criteria.map(({ sentence }) => sentence).join('\n')
}
