import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { type Misbehaviour, misbehaviourVariable } from './fixtures/fixture-service.ts'
import { eventually, fixturePrograms, REPO, temporaryHome, testHost } from './fixtures/test-host.ts'
import { createOpsMetrics } from './ops-metrics.ts'
import { OPS_EXIT, OpsError } from './ops-error.ts'
import { takenPorts } from './process/listening-ports.ts'
import { isAlive } from './process/identity.ts'
import { census, RUN_MARKER } from './process/run-processes.ts'
import { servicePorts } from './service-programs.ts'
import { type StackOptions, startStack } from './stack.ts'
import { isClean } from './stack-proof.ts'

const PORT_BASE = 21_000
const NO_LEADERS = { marker: RUN_MARKER, leaders: [] }

function optionsFor(t: TestContext, faults: Partial<Record<ServiceName, Misbehaviour>> = {}): StackOptions {
  const environment = Object.fromEntries(
    Object.entries(faults).map(([name, fault]) => [
      misbehaviourVariable(name as ServiceName),
      JSON.stringify(fault),
    ]),
  )
  const home = temporaryHome(t)
  return {
    repo: REPO,
    home,
    portBase: PORT_BASE,
    runId: `run_${home.slice(-6)}`,
    host: testHost,
    programs: fixturePrograms,
    environment,
    graceMs: 400,
  }
}

/** Nothing of the run is left: no process, no port, no record. */
async function assertNothingLeft(options: StackOptions): Promise<void> {
  await eventually(() => (census({ ...NO_LEADERS, value: options.runId }).length === 0 ? true : undefined))
  assert.deepEqual(takenPorts(Object.values(servicePorts(PORT_BASE))), [])
  assert.equal(existsSync(join(options.home, 'run', 'processes-stack.json')), false)
}

test('a taken port is refused with exit code 69, port and holder named, before anything starts', async (t) => {
  const options = optionsFor(t)
  const holder = createServer().listen(servicePorts(PORT_BASE)['memory-engine'], '127.0.0.1')
  t.after(() => holder.close())
  await once(holder, 'listening')
  await assert.rejects(startStack(options), (error: unknown) => {
    assert.ok(error instanceof OpsError)
    assert.equal(error.exitCode, OPS_EXIT.unavailable)
    assert.match(error.message, new RegExp(`port 21020 is held by pid ${process.pid} .*node`))
    return true
  })
  assert.deepEqual(readdirSync(join(options.home, 'logs')), [])
})

test('a service that ends before it is ready fails the start, with its last words, and nothing stays', async (t) => {
  const options = optionsFor(t, { openclaw: { endsWith: 3 } })
  await assert.rejects(startStack(options), /openclaw ended with code 3 before it was ready; .*cannot go on/)
  await assertNothingLeft(options)
})

test('a service that cannot use its configuration fails the start as bad input', async (t) => {
  const options = optionsFor(t, { openclaw: { endsWith: OPS_EXIT.badInput } })
  await assert.rejects(startStack(options), { exitCode: OPS_EXIT.badInput })
})

test('a service that answers for another run is not ready', async (t) => {
  const options = { ...optionsFor(t, { pipecat: { claimsRun: 'run_other' } }), readyTimeoutMs: 4_000 }
  await assert.rejects(startStack(options), /pipecat was not ready within/)
  await assertNothingLeft(options)
})

test('a service whose /readyz is 503 is not ready', async (t) => {
  const options = { ...optionsFor(t, { 'eva-os': { neverReady: true } }), readyTimeoutMs: 4_000 }
  await assert.rejects(startStack(options), /eva-os was not ready within/)
  await assertNothingLeft(options)
})

test('an interrupt while the stack starts leaves no process behind', async (t) => {
  const interrupt = new AbortController()
  const options = { ...optionsFor(t, { 'model-router': { neverReady: true } }), signal: interrupt.signal }
  const starting = startStack(options)
  starting.catch(() => undefined)
  await eventually(() => (census({ ...NO_LEADERS, value: options.runId }).length >= 6 ? true : undefined))
  interrupt.abort(new Error('interrupted'))
  await assert.rejects(starting, /interrupted/)
  await assertNothingLeft(options)
})

test('a stack starts ready, and its stop is proven clean', async (t) => {
  const options = optionsFor(t)
  const stack = await startStack(options)
  assert.equal(stack.processes.length, 6)
  const records = JSON.parse(readFileSync(join(options.home, 'run', 'processes-stack.json'), 'utf8')) as {
    run_id: string
    processes: readonly { name: string; pid: number; start_ticks: number; boot_id: string }[]
  }
  assert.equal(records.run_id, options.runId)
  assert.equal(
    records.processes.every((record) => record.pid > 0 && record.start_ticks > 0 && record.boot_id !== ''),
    true,
  )
  const report = await stack.stop()
  assert.equal(isClean(report), true)
  assert.deepEqual(report.killed, [])
  assert.deepEqual(Object.values(report.exits), Array(6).fill({ code: 0, signal: null }))
  assert.equal(await stack.stop(), report)
  await assertNothingLeft(options)
})

test('a service that ignores SIGTERM is killed and named', async (t) => {
  const options = optionsFor(t, { 'memory-engine': { ignoresSigterm: true } })
  const report = await (await startStack(options)).stop()
  assert.deepEqual(report.killed, ['memory-engine'])
  await assertNothingLeft(options)
})

for (const kind of ['marked', 'unmarked'] as const) {
  test(`a grandchild that left its process group is a leftover (${kind} by environment)`, async (t) => {
    const options = optionsFor(t, { openclaw: { leavesGrandchild: kind } })
    const report = await (await startStack(options)).stop()
    assert.deepEqual(
      report.leftovers.map((identity) => identity.argv.join(' ')),
      ['sleep 300'],
    )
    assert.equal(report.leftovers.some(isAlive), false)
    assert.equal(isClean(report), false)
  })
}

test('callers have ended before what they call is told to', async (t) => {
  const options = optionsFor(t, {
    pipecat: { drainMs: 150 },
    'api-gateway': { drainMs: 150 },
    openclaw: { drainMs: 150 },
  })
  const stack = await startStack({ ...options, graceMs: 2_000 })
  const alive = () => new Set(stack.processes.filter((p) => isAlive(p.identity)).map((p) => p.service))
  const orders: string[] = []
  const stopping = stack.stop()
  await eventually(() => {
    const now = alive()
    const order = [...now].join(' ')
    if (orders.at(-1) !== order) orders.push(order)
    return now.size === 0 ? true : undefined
  })
  await stopping
  for (const order of orders) {
    if (order.includes('pipecat')) assert.match(order, /api-gateway/)
    if (order.includes('api-gateway')) assert.match(order, /memory-engine/)
    if (order.includes('openclaw')) assert.match(order, /eva-os/)
  }
})

test('a crashed service is started again and counted; past the budget it stays down', async (t) => {
  const ops = createOpsMetrics()
  const events: string[] = []
  const onEvent: StackOptions['onEvent'] = (event) => {
    if (event.kind !== 'ready') events.push(`${event.service} ${event.kind} ${event.cause}`)
  }
  const stack = await startStack({ ...optionsFor(t), ops, onEvent })
  t.after(() => stack.stop())
  const gateway = () => stack.processes.find((entry) => entry.service === 'api-gateway')?.identity
  for (let crash = 1; crash <= 4; crash += 1) {
    const before = gateway()
    assert.equal(stack.kill('api-gateway', 'SIGKILL'), true)
    await eventually(() => (crash === 4 || gateway()?.start_ticks !== before?.start_ticks ? true : undefined))
  }
  await eventually(() => (events.length === 4 ? true : undefined))
  assert.deepEqual(events, [
    'api-gateway restarting by SIGKILL',
    'api-gateway restarting by SIGKILL',
    'api-gateway restarting by SIGKILL',
    'api-gateway given_up by SIGKILL',
  ])
  const text = await ops.registry.metrics()
  assert.match(text, /^sonia_service_restarts_total\{service="api-gateway"\} 3$/m)
  assert.match(text, /^sonia_service_restart_budget_exhausted\{service="api-gateway"\} 1$/m)
  for (const service of SERVICE_NAMES.filter((name) => name !== 'api-gateway')) {
    assert.equal(stack.restarts[service], 0)
  }
})

test('abandoning a stack leaves no process behind, stubborn ones included', async (t) => {
  const options = optionsFor(t, { pipecat: { ignoresSigterm: true } })
  const stack = await startStack(options)
  stack.abandon()
  await eventually(() => (census({ ...NO_LEADERS, value: options.runId }).length === 0 ? true : undefined))
})
