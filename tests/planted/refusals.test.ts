import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CATALOG, portAt, WATCH_PORTS } from '#catalog'
import { takenPorts } from '#ops/process/listening-ports.ts'
import { CliError } from '#gates/exit-codes.ts'
import { hostForTest } from '#gates/host-for-test.ts'
import { runProgram } from '#gates/program.ts'
import { requireProgram } from '../requirement.ts'
import { gateRunOptionsForTest } from './planted-run.ts'
import { withGateRun } from '#gates/runners/run-gates.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const PORT_BASE = 27_400

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sonia-refusal-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Runs the command line and checks that it left neither a port nor a run behind. */
async function refusedGates(home: string): Promise<{ exitCode: number; stderr: string }> {
  const argv = ['gates', '--profile', 'ci', '--port-base', String(PORT_BASE), '--home', home]
  const host = hostForTest(argv, env)
  const exitCode = await runProgram(host)
  assert.deepEqual(await readdir(join(home, 'gates')).catch(() => []), [])
  assert.deepEqual(takenPorts([portAt(WATCH_PORTS.prometheus, PORT_BASE)]), [])
  return { exitCode, stderr: host.printed.stderr }
}

for (const [what, port] of [
  ['a service', CATALOG.openclaw.port],
  ['Prometheus', WATCH_PORTS.prometheus],
] as const) {
  test(`a port of ${what} that is already taken is refused before anything starts: 69`, async (t) => {
    const squatter = createServer().listen(portAt(port, PORT_BASE), '127.0.0.1')
    await new Promise((resolve) => squatter.once('listening', resolve))
    const home = await temporary(t)
    const argv = ['gates', '--profile', 'ci', '--port-base', String(PORT_BASE), '--home', home]
    const host = hostForTest(argv, env)
    const exitCode = await runProgram(host).finally(() => squatter.close())
    assert.equal(exitCode, 69)
    assert.match(host.printed.stderr, new RegExp(`port ${portAt(port, PORT_BASE)} is held by`))
    assert.deepEqual(await readdir(join(home, 'gates')).catch(() => []), [])
  })
}

test('a configuration that cannot be read is refused before anything starts: 65', async (t) => {
  const home = await temporary(t)
  await mkdir(join(home, 'config'))
  await writeFile(join(home, 'config', 'sonia.json'), '{"bind": ')
  const { exitCode, stderr } = await refusedGates(home)
  assert.equal(exitCode, 65)
  assert.match(stderr, /sonia\.json cannot be read/)
})

test('a broken criterion is refused before anything starts, with file and line: 65', async (t) => {
  const folder = await temporary(t)
  const options = gateRunOptionsForTest({ gate: 'soak' }, folder)
  const criteriaFolder = join(folder, 'criteria')
  await cp(options.criteriaFolder, criteriaFolder, { recursive: true })
  await writeFile(join(criteriaFolder, 'soak.yaml'), 'gate: soak\ntitle: Broken\ncriteria:\n  - id: soak.x\n')
  await assert.rejects(
    withGateRun({ ...options, criteriaFolder }, () => Promise.resolve()),
    (error: unknown) =>
      error instanceof CliError && error.exitCode === 65 && /soak\.yaml:4/.test(error.message),
  )
})

test('a full disk is refused before anything starts, and nothing half-written stays: 69', async (t) => {
  if (requireProgram(t, 'unshare', { env }) === null) return
  const home = await temporary(t)
  // A file system of 1 MiB that exists in this process's own mount namespace alone.
  const script =
    'mount -t tmpfs -o size=1m none "$1" && shift && { "$@"; code=$?; find "$home" -type f; exit $code; }'
  const command = [process.execPath, join(REPOSITORY, 'gates', 'main.ts'), 'gates', '--profile', 'ci']
  const args = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', home, ...command]
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [...args, '--home', home, '--port-base', `${PORT_BASE}`],
    {
      env: { ...env, home },
      encoding: 'utf8',
    },
  )
  assert.equal(status, 69, stderr)
  assert.match(stderr, /disk full: \d+ MiB free at .*, \d+ MiB needed\n {2}try: make room/)
  assert.doesNotMatch(stdout, /^\//m)
})
