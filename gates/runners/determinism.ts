import { join } from 'node:path'
import type { OpsMetrics } from '#ops/ops-metrics.ts'
import { plannedSecondsOf } from '../run-parameters.ts'
import { type GateContext, type GateRunner, startGateStack, stopGateStack } from './gate-context.ts'
import { freezeEnd, openWindow } from './scrape-grid.ts'
import { runIntegrationTests, type TestOutcome, type TestRunResult } from './test-run.ts'

const GATE = 'determinism'

/** Judges runs that gate 1 made; alone (`--only determinism`) it makes them itself. */
export const observeDeterminism: GateRunner = async (context) => {
  if (context.testRuns === null) await observeTestRuns(context)
  if (context.testRuns === null) throw new Error('the test runs left no window')
  return context.testRuns.window
}

/** The run after gate 5: whatever the gates between did to the machine, the same tests give the same. */
export const observeLaterTestRun: GateRunner = async (context) => {
  await observeTestRuns(context)
  return observeDeterminism(context)
}

/** Every run of the integration tests in a fresh stack with a fresh state folder: the first ones, or one more. */
export async function observeTestRuns(context: GateContext): Promise<void> {
  const { profile, watch, testRuns } = context
  const before = testRuns?.made ?? 0
  const count = testRuns === null ? profile.testRuns : 1
  const runs = Array.from({ length: count }, (_, index) => before + index + 1)
  watch.ops.declareChecks(GATE, ['complete', ...runs.map(runCheck)])
  const opened = await openWindow(context)
  for (const run of runs) {
    await observeRun(context, run)
    watch.ops.countCheck(GATE, 'complete', 'pass')
  }
  const end = await freezeEnd(context)
  const ends = { gate: GATE, end, planned_seconds: plannedSecondsOf(GATE, profile) }
  const window =
    testRuns === null
      ? { ...ends, start: opened }
      : { ...ends, start: testRuns.window.start, pause: { start: testRuns.window.end, end: opened } }
  context.testRuns = { made: before + count, window }
}

async function observeRun(context: GateContext, run: number): Promise<void> {
  const { progress, watch, testRunsPlanned } = context
  progress.at(`determinism: integration tests, run ${run} of ${testRunsPlanned}`)
  const home = join(context.home, `tests-${run}`)
  const stack = await startGateStack(context, `tests-${run}`, { home }).catch((error: unknown) => {
    context.signal.throwIfAborted()
    progress.say(`determinism: the stack of run ${run} did not start: ${String(error)}`)
    return null
  })
  // A run without a stack has no tests: too few, which fails the gate.
  if (stack === null) return
  try {
    const result = await runIntegrationTests(context, { home, runId: stack.runId, run })
    countOutcomes(watch.ops, run, result.outcomes)
    keepResult(context, run, result)
    const passed = result.outcomes.filter(({ outcome }) => outcome === 'passed').length
    progress.say(`determinism: run ${run}: ${passed} of ${result.outcomes.length} tests passed`)
  } finally {
    await stopGateStack(context, stack)
  }
}

/** Check under which the outcomes of a run are summed up. */
function runCheck(run: number): string {
  return `run-${run}`
}

const OUTCOME_LABEL = { passed: 'pass', failed: 'fail', skipped: 'error' } as const

/**
 * Counts each outcome twice: for its run, and for its place and name over all runs. Two runs with the same names in the
 * same order and the same outcomes give every place exactly as many passes as there were runs.
 */
function countOutcomes(ops: OpsMetrics, run: number, outcomes: readonly TestOutcome[]): void {
  for (const [index, { name, outcome }] of outcomes.entries()) {
    const place = `at-${String(index + 1).padStart(3, '0')} ${name}`
    ops.declareChecks(GATE, [place])
    ops.countCheck(GATE, place, OUTCOME_LABEL[outcome])
    ops.countCheck(GATE, runCheck(run), OUTCOME_LABEL[outcome])
  }
}

/** The file the seed names, with its fields. */
function keepResult(context: GateContext, run: number, { outcomes, output }: TestRunResult): void {
  const passed = outcomes.filter(({ outcome }) => outcome === 'passed').length
  const report = {
    run,
    timestamp: new Date(context.host.clock.nowMs()).toISOString(),
    total_tests: outcomes.length,
    passed_count: passed,
    failed_count: outcomes.length - passed,
    test_names: outcomes.map(({ name }) => name),
    outcomes: outcomes.map(({ outcome }) => outcome),
  }
  const folder = `gates/${GATE}`
  context.keep({
    path: `${folder}/test-results-run${run}.json`,
    content: `${JSON.stringify(report, null, 2)}\n`,
  })
  if (output !== '') context.keep({ path: `${folder}/test-output-run${run}.txt`, content: output })
}
