import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { eventually, temporaryHome } from '../fixtures/test-host.ts'
import { isAlive, signalIdentity } from './identity.ts'
import { census, remainsOf, RUN_MARKER, type RunMark } from './run-processes.ts'
import { spawnOwned } from './spawn-owned.ts'
import { stopOwned } from './stop-owned.ts'

/** Starts a shell script as a process of a fresh run; whatever it leaves is killed after the test. */
async function startRun(t: TestContext, script: string) {
  const value = `run_${randomUUID()}`
  const owned = await spawnOwned({
    name: 'script',
    command: 'sh',
    args: ['-c', script],
    env: { PATH: '/usr/bin:/bin', [RUN_MARKER]: value },
    cwd: '/',
    outputFile: join(temporaryHome(t), 'output'),
  })
  const mark: RunMark = { marker: RUN_MARKER, value, leaders: [owned.identity] }
  t.after(() => {
    for (const identity of census(mark)) signalIdentity(identity, 'SIGKILL')
  })
  const withSleepers = (count: number) =>
    eventually(() => {
      const members = census(mark)
      return members.filter((member) => member.argv[0] === 'sleep').length === count ? members : undefined
    })
  return { owned, mark, withSleepers }
}

test('a run that ended leaves nothing', async (t) => {
  const { owned, mark, withSleepers } = await startRun(t, 'exec sleep 60')
  const before = await withSleepers(1)
  assert.deepEqual(await stopOwned(owned, 2_000), { name: 'script', killed: false })
  await eventually(() => (remainsOf(mark, before).alive.length === 0 ? true : undefined))
})

test('a process that ignores SIGTERM is killed, and that is told', async (t) => {
  const { owned, mark, withSleepers } = await startRun(
    t,
    'trap "" TERM; sleep 60 & while :; do sleep 61; done',
  )
  await withSleepers(2)
  assert.deepEqual(await stopOwned(owned, 200), { name: 'script', killed: true })
  assert.equal(isAlive(owned.identity), false)
  await eventually(() => (census(mark).length === 0 ? true : undefined))
})

test('a stopped process is stopped for good', async (t) => {
  const { owned, withSleepers } = await startRun(t, 'exec sleep 60')
  await withSleepers(1)
  signalIdentity(owned.identity, 'SIGSTOP')
  assert.deepEqual(await stopOwned(owned, 2_000), { name: 'script', killed: false })
})

const ESCAPES = {
  'left its process group': 'setsid sleep 60 & exec sleep 61',
  'left its group and forgot its parent': '(setsid sleep 60 &) ; exec sleep 61',
  'left its group and cleared its environment': 'env -i setsid sleep 60 & exec sleep 61',
  'stayed in the group and cleared its environment': 'env -i sleep 60 & exec sleep 61',
}
for (const [what, script] of Object.entries(ESCAPES)) {
  test(`a grandchild that ${what} is found after the stop`, async (t) => {
    const { owned, mark, withSleepers } = await startRun(t, script)
    const before = await withSleepers(2)
    await stopOwned(owned, 2_000)
    const { alive } = remainsOf(mark, before)
    assert.deepEqual(
      alive.map((identity) => identity.argv.join(' ')),
      ['sleep 60'],
    )
    for (const identity of alive) signalIdentity(identity, 'SIGKILL')
  })
}

test('processes of another run and of nobody are not counted', async (t) => {
  const first = await startRun(t, 'exec sleep 60')
  const second = await startRun(t, 'exec sleep 60')
  await Promise.all([first.withSleepers(1), second.withSleepers(1)])
  const pids = new Set(census(first.mark).map((identity) => identity.pid))
  assert.equal(pids.has(second.owned.identity.pid), false)
  assert.equal(pids.has(process.pid), false)
})

test('an ended child that its parent did not reap is a zombie of the run', async (t) => {
  const { owned, mark } = await startRun(t, 'true & exec sleep 60')
  const { zombies } = await eventually(() => {
    const remains = remainsOf(mark, [])
    return remains.zombies.length > 0 ? remains : undefined
  })
  assert.equal(zombies.length, 1)
  await stopOwned(owned, 2_000)
})
