import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { test, type TestContext } from 'node:test'
import { hostForTest } from '../host-for-test.ts'
import { runProgram } from '../program.ts'
import { findDetached } from '../runners/detached-run.ts'

/** A state folder whose configuration cannot be read: a run over it ends with 65 before anything starts. */
async function brokenHome(t: TestContext): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'sonia detached-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await mkdir(join(home, 'config'))
  await writeFile(join(home, 'config', 'sonia.json'), '{"bind": ')
  return home
}

async function run(...argv: readonly string[]) {
  const host = hostForTest(argv, env)
  return { exitCode: await runProgram(host), ...host.printed }
}

const detach = (home: string) =>
  run('gates', '--detach', '--profile', 'ci', '--port-base', '22000', '--home', home)

test('a detached run is followed to its end, with what it printed and its exit code', async (t) => {
  const home = await brokenHome(t)
  const started = await detach(home)
  assert.equal(started.exitCode, 0)
  assert.match(started.stdout, /\.\/sonia gates attach\n {2}stop it: kill -INT -- -\d+/)
  const followed = await run('gates', 'attach', '--home', home)
  assert.equal(followed.exitCode, 65)
  assert.match(followed.stdout, /sonia\.json cannot be read/)
})

test('a detached run that was killed proves nothing: 2', async (t) => {
  const home = await brokenHome(t)
  await detach(home)
  const found = await findDetached(home, undefined)
  assert.ok(found !== null)
  process.kill(-found.processGroup, 'SIGKILL')
  const followed = await run('gates', 'attach', '--home', home)
  assert.equal(followed.exitCode, 2)
  assert.match(followed.stderr, /was killed before its end/)
})
