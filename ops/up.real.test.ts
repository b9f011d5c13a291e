import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test, type TestContext } from 'node:test'
import { bringDown } from './down.ts'
import { misbehaviourVariable } from './fixtures/fixture-service.ts'
import { scratchRepository } from './fixtures/scratch-repository.ts'
import { eventually, temporaryHome, testHost } from './fixtures/test-host.ts'
import { findLeftovers } from './leftovers.ts'
import { OPS_EXIT, OpsError } from './ops-error.ts'
import { takenPorts } from './process/listening-ports.ts'
import { isAlive, signalIdentity } from './process/identity.ts'
import { RUN_MARKER } from './process/run-processes.ts'
import { servicePorts } from './service-programs.ts'
import { stateHome } from './state-home.ts'
import { readSupervisorRecord, runningSupervisor } from './supervisor-record.ts'
import { bringUp, type UpOptions } from './up.ts'
import { watchPorts } from './watch.ts'

const PORT_BASE = 21_400
const PORTS = [...Object.values(servicePorts(PORT_BASE)), ...Object.values(watchPorts(PORT_BASE))]
const never = new AbortController().signal

function setting(t: TestContext, env: Readonly<Record<string, string>> = {}) {
  const said: string[] = []
  const home = temporaryHome(t)
  const folders = stateHome(home)
  const options: UpOptions = {
    repo: scratchRepository(t),
    home,
    portBase: PORT_BASE,
    scrapeIntervalSeconds: 1,
    host: { ...testHost, env: { ...testHost.env, ...env } },
    interrupted: never,
    interruptedTwice: never,
    say: (line) => said.push(line),
  }
  const down = () => bringDown(folders, { host: testHost, interruptedTwice: never })
  t.after(down)
  return { folders, options, said, down }
}

async function assertNothingRuns(folders: ReturnType<typeof stateHome>): Promise<void> {
  assert.deepEqual(findLeftovers(folders), [])
  assert.equal(runningSupervisor(folders), undefined)
  await eventually(() => (takenPorts(PORTS).length === 0 ? true : undefined))
}

function refusal(exitCode: number, message: RegExp) {
  return (error: unknown) =>
    error instanceof OpsError && error.exitCode === exitCode && message.test(error.message)
}

test('a taken port of either side is refused before a supervisor starts', async (t) => {
  const { folders, options } = setting(t)
  const holder = createServer().listen(watchPorts(PORT_BASE).prometheus, '127.0.0.1')
  t.after(() => holder.close())
  await once(holder, 'listening')
  await assert.rejects(bringUp(options), refusal(OPS_EXIT.unavailable, /port \d+ is held by pid/))
  assert.equal(readSupervisorRecord(folders), undefined)
})

test('a service that cannot start fails the command with its last words, and nothing stays', async (t) => {
  const { folders, options } = setting(t, { [misbehaviourVariable('openclaw')]: '{"endsWith":1}' })
  await assert.rejects(
    bringUp(options),
    refusal(OPS_EXIT.unavailable, /openclaw ended with code 1.*cannot go on/),
  )
  await eventually(() => (runningSupervisor(folders) === undefined ? true : undefined))
  await assertNothingRuns(folders)
})

test('Ctrl-C while the stack starts stops everything', async (t) => {
  const { folders, options } = setting(t, { [misbehaviourVariable('pipecat')]: '{"neverReady":true}' })
  const interrupt = new AbortController()
  const starting = bringUp({ ...options, interrupted: interrupt.signal })
  starting.catch(() => undefined)
  await eventually(() => (findLeftovers(folders).length >= 9 ? true : undefined), 10_000)
  interrupt.abort()
  await assert.rejects(starting, refusal(OPS_EXIT.interrupted, /nothing was left/))
  await assertNothingRuns(folders)
})

test('a second Ctrl-C does not wait for a service that ignores SIGTERM', async (t) => {
  const fault = '{"neverReady":true,"ignoresSigterm":true}'
  const { folders, options } = setting(t, { [misbehaviourVariable('pipecat')]: fault })
  const [first, second] = [new AbortController(), new AbortController()]
  const starting = bringUp({ ...options, interrupted: first.signal, interruptedTwice: second.signal })
  starting.catch(() => undefined)
  await eventually(() => (findLeftovers(folders).length >= 9 ? true : undefined), 10_000)
  first.abort()
  second.abort()
  const startedMs = performance.now()
  await assert.rejects(starting, refusal(OPS_EXIT.interrupted, /nothing was left/))
  assert.ok(performance.now() - startedMs < 7_000)
  await assertNothingRuns(folders)
})

test('up, up again, down: one stack, the same answer, nothing left', async (t) => {
  const { folders, options, down } = setting(t)
  const first = await bringUp(options)
  assert.equal(first.wasRunning, false)
  assert.ok((first.record.start_ready_ms ?? 0) > 0)
  const again = await bringUp(options)
  assert.equal(again.wasRunning, true)
  assert.equal(again.record.run_id, first.record.run_id)
  const elsewhere = { ...options, portBase: PORT_BASE + 50 }
  assert.equal((await bringUp(elsewhere)).record.port_base, PORT_BASE)
  const insisting = bringUp({ ...elsewhere, insistsOnPorts: true })
  await assert.rejects(insisting, refusal(OPS_EXIT.unavailable, /already runs, on ports from 21400/))
  const outcome = await down()
  assert.deepEqual(outcome.summary?.stack?.killed, [])
  assert.deepEqual(outcome.leftovers.removed, [])
  await assertNothingRuns(folders)
  assert.deepEqual((await down()).wasRunning, false)
})

test('after its supervisor was killed, the half-dead stack is found by identity and replaced', async (t) => {
  const { folders, options, said, down } = setting(t)
  const { record } = await bringUp(options)
  signalIdentity(record.identity, 'SIGKILL')
  await eventually(() => (isAlive(record.identity) ? undefined : true))
  assert.ok(findLeftovers(folders).length >= 9)
  const { wasRunning } = await bringUp(options)
  assert.equal(wasRunning, false)
  assert.ok(said.filter((line) => line.startsWith('stopped a leftover')).length >= 9)
  await down()
  await assertNothingRuns(folders)
})

test('a process of another state folder is no leftover', async (t) => {
  const { folders } = setting(t)
  const stranger = spawn('sleep', ['60'], { env: { SONIA_HOME: '/elsewhere', [RUN_MARKER]: 'run_x' } })
  t.after(() => stranger.kill('SIGKILL'))
  await once(stranger, 'spawn')
  assert.deepEqual(findLeftovers(folders), [])
})
