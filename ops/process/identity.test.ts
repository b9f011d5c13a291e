import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { eventually } from '../fixtures/test-host.ts'
import { isAlive, isZombie, readIdentity, signalIdentity } from './identity.ts'
import { listProcesses } from './process-table.ts'

async function sleeper(t: TestContext) {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  const identity = readIdentity(child.pid ?? 0)
  assert.ok(identity)
  return { child, identity }
}

test('a stranger under a reused pid is not taken for the process and never hit', async (t) => {
  const { identity } = await sleeper(t)
  const other = { ...identity, start_ticks: identity.start_ticks - 1 }
  assert.equal(isAlive(other), false)
  assert.equal(signalIdentity(other, 'SIGKILL'), false)
  assert.equal(isAlive(identity), true)
})

test('a pid of an earlier boot is not taken for the process', async (t) => {
  const { identity } = await sleeper(t)
  assert.equal(signalIdentity({ ...identity, boot_id: 'another' }, 'SIGKILL'), false)
  assert.equal(isAlive(identity), true)
})

test('the very process is signalled and seen to end', async (t) => {
  const { child, identity } = await sleeper(t)
  const ended = once(child, 'exit')
  assert.equal(signalIdentity(identity, 'SIGTERM'), true)
  await ended
  assert.equal(isAlive(identity), false)
})

test('a zombie is not alive, and is seen as a zombie', async (t) => {
  // The shell's child ends at once; `exec` puts a program in the shell's place that never reaps it.
  const parent = spawn('sh', ['-c', 'true & exec sleep 60'], { stdio: 'ignore' })
  t.after(() => parent.kill('SIGKILL'))
  await once(parent, 'spawn')
  const zombie = await eventually(() =>
    listProcesses().find((process) => process.parentPid === parent.pid && process.state === 'Z'),
  )
  const identity = readIdentity(zombie.pid)
  assert.ok(identity)
  assert.equal(isZombie(identity), true)
  assert.equal(isAlive(identity), false)
})
