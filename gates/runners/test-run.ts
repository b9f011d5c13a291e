import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inherited } from '#ops/service-programs.ts'
import type { GateContext } from './gate-context.ts'

export interface TestOutcome {
  /** "api-gateway: chat answers and remembers" */
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
}

export interface TestRunResult {
  readonly outcomes: readonly TestOutcome[]
  /** What the run printed, bounded. */
  readonly output: string
}

export interface TestRunOptions {
  readonly home: string
  readonly runId: string
  readonly run: number
}

/** Variable that tells the tests which stack to use: JSON {home, portBase, runId, pageUrl}. */
export const STACK_VARIABLE = 'SONIA_TEST_STACK'

const INTEGRATION_TESTS = 'tests/integration/*.test.ts'
const TIMEOUT_MS = 10 * 60_000
const OUTPUT_CHARACTERS_MAX = 200_000

/** Runs the integration tests against a stack that already runs, in one process, in the order of their names. */
export async function runIntegrationTests(
  context: GateContext,
  options: TestRunOptions,
): Promise<TestRunResult> {
  const { repository } = context.host
  const pattern = context.planted.testFiles ?? INTEGRATION_TESTS
  const files = globSync(pattern, { cwd: repository }).toSorted()
  // Without files node would collect whatever it finds.
  if (files.length === 0) return { outcomes: [], output: `no test matches ${pattern}\n` }
  const results = join(context.home, `outcomes-${options.run}.json`)
  const output = await runNode(context, options, [
    '--test',
    '--test-isolation=none',
    '--test-force-exit',
    `--test-reporter=${join(repository, 'gates', 'runners', 'outcome-reporter.ts')}`,
    `--test-reporter-destination=${results}`,
    ...files,
  ])
  return { outcomes: await readOutcomes(results), output }
}

/** A run that died before its reporter could write has no outcomes: too few tests, which fails the gate. */
async function readOutcomes(path: string): Promise<readonly TestOutcome[]> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as readonly TestOutcome[]
  } catch {
    return []
  }
}

function runNode(context: GateContext, options: TestRunOptions, args: readonly string[]): Promise<string> {
  const { host, portBase, signal, pageUrl } = context
  const stack = JSON.stringify({ home: options.home, portBase, runId: options.runId, pageUrl })
  const child = spawn(process.execPath, args, {
    cwd: host.repository,
    env: { ...inherited(host.env), [STACK_VARIABLE]: stack },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    killSignal: 'SIGKILL',
  })
  let output = ''
  const keep = (chunk: Buffer) => {
    if (output.length < OUTPUT_CHARACTERS_MAX) output += chunk.toString('utf8')
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      if (signal.aborted) reject(error)
    })
    child.once('close', () => resolve(output))
  })
}
