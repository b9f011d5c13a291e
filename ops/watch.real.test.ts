import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { SERVICE_NAMES } from '#catalog'
import { eventually, fixturePrograms, REPO, temporaryHome, testHost } from './fixtures/test-host.ts'
import { OpsError } from './ops-error.ts'
import { takenPorts } from './process/listening-ports.ts'
import { askPrometheus } from './prometheus-query.ts'
import { isClean } from './stack-proof.ts'
import { startStack } from './stack.ts'
import { createWatch, watchPorts } from './watch.ts'

const PORT_BASE = 21_200
const SERVICES: ReadonlySet<string | undefined> = new Set(SERVICE_NAMES)

function optionsFor(home: string) {
  return {
    repo: REPO,
    home,
    portBase: PORT_BASE,
    runId: `run_${home.slice(-6)}`,
    host: testHost,
    scrapeIntervalSeconds: 1,
  }
}

test('a taken port of the watching side is refused before anything starts', async (t) => {
  const holder = createServer().listen(watchPorts(PORT_BASE).alertmanager, '127.0.0.1')
  t.after(() => holder.close())
  await once(holder, 'listening')
  const starting = createWatch(optionsFor(temporaryHome(t)))
  await assert.rejects(starting, (error: unknown) => error instanceof OpsError && error.exitCode === 69)
})

test('Prometheus, Alertmanager and Collector watch the stack, and stop clean', async (t) => {
  const home = temporaryHome(t)
  const watch = await createWatch(optionsFor(home))
  t.after(() => watch.stop())
  const stack = await startStack({ ...optionsFor(home), programs: fixturePrograms, ops: watch.ops })
  t.after(() => stack.stop())
  watch.ops.declareChecks('go-no-go', ['cycle'])
  watch.ops.countCheck('go-no-go', 'cycle', 'pass')
  const ask = (query: string) => askPrometheus(watch.prometheusUrl, query)

  const up = await eventually(async () => {
    const samples = await ask('up{job="sonia"} == 1')
    return samples.length === 6 ? samples : undefined
  }, 10_000)
  assert.deepEqual(new Set(up.map((sample) => sample.labels['service'])), SERVICES)
  assert.equal(
    up.every((sample) => sample.labels['instance'] === sample.labels['service']),
    true,
  )

  await eventually(async () =>
    (await ask('sonia_gate_checks_total{outcome="pass"} == 1')).length > 0 ? true : undefined,
  )
  const memory = await ask('sonia_tool_resident_memory_bytes > 1e6')
  assert.deepEqual(
    new Set(memory.map((sample) => sample.labels['tool'])),
    new Set(['alertmanager', 'collector', 'prometheus', 'supervisor']),
  )
  await eventually(async () => ((await ask('up{job="alertmanager"} == 1')).length === 1 ? true : undefined))

  assert.equal(isClean(await stack.stop()), true)
  const report = await watch.stop()
  assert.deepEqual(report.killed, [])
  assert.equal(isClean(report), true)
  assert.deepEqual(takenPorts(Object.values(watchPorts(PORT_BASE))), [])
})
