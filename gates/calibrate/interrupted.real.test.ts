import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { EXIT_CODES } from '../exit-codes.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const STARTED_WITHIN_MS = 120_000
const ENDED_WITHIN_MS = 30_000

interface Interrupted {
  readonly scratch: string
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Signals the command once something shows that it is at work, and waits for its end. */
async function interrupted(
  context: TestContext,
  options: readonly string[],
  { signal, isAtWork }: { readonly signal: NodeJS.Signals; readonly isAtWork: (one: Watched) => boolean },
): Promise<Interrupted> {
  const scratch = mkdtempSync(join(tmpdir(), 'sonia-interrupted-'))
  context.after(() => rmSync(scratch, { recursive: true, force: true }))
  const command = [process.execPath, 'gates/main.ts', 'gates', 'calibrate', ...options]
  const child = spawn('env', [`TMPDIR=${scratch}`, ...command], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  context.after(() => child.kill('SIGKILL'))
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => (said[name] += chunk.toString('utf8')))
  await untilAtWork(child, () => isAtWork({ scratch, ...said }))
  const ended = once(child, 'close', { signal: AbortSignal.timeout(ENDED_WITHIN_MS) })
  child.kill(signal)
  const [exitCode] = (await ended) as [number | null]
  return { scratch, exitCode, ...said }
}

interface Watched {
  readonly scratch: string
  readonly stdout: string
  readonly stderr: string
}

async function untilAtWork(child: ChildProcess, isAtWork: () => boolean): Promise<void> {
  const deadline = performance.now() + STARTED_WITHIN_MS
  while (!isAtWork()) {
    assert.equal(child.exitCode, null, 'it ended before it was interrupted')
    assert.ok(performance.now() < deadline, 'it never began to work')
    await delay(20)
  }
}

/** Processes that have to do with the folder. */
function processesOf(folder: string): readonly string[] {
  return globSync('/proc/[0-9]*/cmdline').filter((file) => {
    try {
      return readFileSync(file, 'utf8').includes(folder)
    } catch {
      return false
    }
  })
}

test('SIGTERM ends a calibration with 130, what was judged, and the way to go on', async (context) => {
  const keep = mkdtempSync(join(tmpdir(), 'sonia-keep-'))
  context.after(() => rmSync(keep, { recursive: true, force: true }))
  const options = ['--families', 'short,leak-5', '--histories', '10', '--workers', '1', '--keep', keep]
  const endless = options.with(3, '900000')
  const first = await interrupted(context, endless, {
    signal: 'SIGTERM',
    isAtWork: ({ stdout }) => stdout.includes('family'),
  })
  assert.equal(first.exitCode, EXIT_CODES.interrupted)
  assert.match(first.stderr, /2 families are not judged\n {2}try: the same command again/)
  assert.deepEqual(readdirSync(keep), [])
})

test('SIGINT while Prometheus answers leaves no process and no file', async (context) => {
  const options = ['--through', 'prometheus', '--histories', '60']
  const { scratch, exitCode, stderr } = await interrupted(context, options, {
    signal: 'SIGINT',
    isAtWork: (one) => globSync('sonia-planted-*/blocks/*/meta.json', { cwd: one.scratch }).length > 0,
  })
  assert.equal(exitCode, EXIT_CODES.interrupted, stderr)
  assert.match(stderr, /interrupted/)
  assert.deepEqual(readdirSync(scratch), [])
  assert.deepEqual(processesOf(scratch), [])
})

test('SIGTERM in the mutation run leaves no process and no file', async (context) => {
  const { scratch, exitCode, stderr } = await interrupted(context, ['--mutations', '--mutants', 'alerts'], {
    signal: 'SIGTERM',
    isAtWork: (one) => globSync('sonia-alerts-*/0.alerts*.test.yml', { cwd: one.scratch }).length > 0,
  })
  assert.equal(exitCode, EXIT_CODES.interrupted, stderr)
  assert.match(stderr, /interrupted after 0 mutants/)
  assert.deepEqual(readdirSync(scratch), [])
  assert.deepEqual(processesOf(scratch), [])
})
