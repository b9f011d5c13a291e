import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { listProcesses, readArguments, readEnvironment } from '#ops/process/process-table.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const PORT_BASE = 27_800
const WAIT_MS = 120_000

/** Starts the command line, sends it Ctrl-C once a line matches, and checks that it left no process behind. */
async function interruptAt(line: RegExp, only: string): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'sonia-interrupt-'))
  const argv = ['gates', '--profile', 'ci', '--only', only, '--port-base', String(PORT_BASE), '--home', home]
  const child = spawn(process.execPath, ['gates/main.ts', ...argv], {
    cwd: REPOSITORY,
    env: { ...env, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  try {
    const signal = AbortSignal.timeout(WAIT_MS)
    const ended = once(child, 'close', { signal })
    let printed = ''
    while (!line.test(printed)) {
      const [chunk] = (await once(child.stdout, 'data', { signal })) as [Buffer]
      printed += chunk.toString('utf8')
    }
    child.kill('SIGINT')
    const [code] = (await ended) as [number | null]
    assert.equal(code, 130, printed)
    assert.deepEqual(processesOf(home), [])
  } finally {
    child.kill('SIGKILL')
    await rm(home, { recursive: true, force: true })
  }
}

/** Everything that knows the run's state folder, from its environment or its arguments. */
function processesOf(home: string): readonly string[] {
  return listProcesses()
    .filter(({ pid }) => pid !== process.pid)
    .map(({ pid }) => [...readArguments(pid), ...readEnvironment(pid).values()].join(' '))
    .filter((text) => text.includes(home))
}

test('Ctrl-C while Prometheus starts leaves no process behind', () =>
  interruptAt(/run .* profile/, 'go-no-go'))
test('Ctrl-C in a cycle leaves no process behind', () => interruptAt(/cycle 1 of 2/, 'go-no-go'))
test('Ctrl-C in the integration tests leaves no process behind', () =>
  interruptAt(/run 1 of 2/, 'determinism'))
test('Ctrl-C under load leaves no process behind', () => interruptAt(/load for/, 'soak'))
