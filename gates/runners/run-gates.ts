import { join } from 'node:path'
import type { Stack } from '#ops/stack.ts'
import type { Receivers } from '#ops/rendering/alertmanager-config.ts'
import { createWatch, type Watch } from '#ops/watch.ts'
import { judgeRunWithAnswers } from '../engine/judge-run.ts'
import type { GateResult, GateWindow, Judgement } from '../engine/types.ts'
import { statedPart } from '../engine/valid-part.ts'
import type { GateFile } from '../evidence/write-bundle.ts'
import type { Host } from '../host.ts'
import type { Profile } from '../profiles.ts'
import { plannedTestRuns, runParameters } from '../run-parameters.ts'
import { observeDeterminism, observeLaterTestRun } from './determinism.ts'
import { observeDurability } from './durability.ts'
import { exportJudgement } from './export-judgement.ts'
import type { GateContext, GateRunner, Planted } from './gate-context.ts'
import { observeGoNoGo } from './go-no-go.ts'
import { type JudgedTree, openJudgedTree } from './judged-tree.ts'
import { servePage } from './page-server.ts'
import { refuseBadStart } from './preflight.ts'
import { observeObservability } from './observability.ts'
import type { Progress } from './progress.ts'
import { observeReleaseLock } from './release-lock.ts'
import { observeSecurity } from './security.ts'
import { observeSoak } from './soak.ts'

/** Gates that have a runner, in the order in which they run. */
export const GATE_RUNNERS: ReadonlyMap<string, GateRunner> = new Map([
  ['go-no-go', observeGoNoGo],
  ['soak', observeSoak],
  ['determinism', observeDeterminism],
  ['security', observeSecurity],
  ['durability', observeDurability],
  ['observability', observeObservability],
  ['release-lock', observeReleaseLock],
])

export interface GateRunOptions {
  readonly profile: Profile
  /** Ids, a subset of `GATE_RUNNERS`. */
  readonly gates: readonly string[]
  /** Go on after a gate that did not pass. */
  readonly keepGoing: boolean
  /** State folder of this run alone. */
  readonly home: string
  readonly portBase: number
  readonly runId: string
  readonly host: Host
  readonly progress: Progress
  readonly criteriaFolder: string
  readonly configurationSources: readonly string[]
  /** Where a page of the run goes; absent = nowhere, it is only recorded. */
  readonly receivers?: Receivers
  readonly planted?: Planted
  /** Targets and the like, for tests that take a target away. */
  readonly watchOptions?: Partial<Parameters<typeof createWatch>[0]>
}

/** What a run leaves; the watch still stands while `use` of `withGateRun` looks at it. */
export interface GateRun {
  readonly judgement: Judgement
  readonly windows: readonly GateWindow[]
  readonly files: readonly GateFile[]
  readonly watch: Watch
  readonly tree: JudgedTree
}

/** Runs the gates, judges them, hands the result to `use` while Prometheus is still up, and leaves no process behind. */
export async function withGateRun<T>(options: GateRunOptions, use: (run: GateRun) => Promise<T>): Promise<T> {
  const { host } = options
  await refuseBadStart(options)
  const page = await servePage(options.portBase)
  const running = new Set<Stack>()
  let watch: Watch | null = null
  const abandon = () => {
    for (const stack of running) stack.abandon()
    watch?.abandon()
  }
  host.interruptedTwice.addEventListener('abort', abandon)
  try {
    watch = await createWatch(watchOptionsOf(options))
    const tree = await openJudgedTree(watch.ops, host.repository)
    const context = contextOf(options, { watch, running, pageUrl: page.url, tree })
    const windows = await observeGates(context, options)
    const judgement = await judge(options, watch, { windows, testRuns: context.testRunsPlanned })
    await exportJudgement(context, judgement.verdict)
    return await use({ judgement, windows, files: context.files, watch, tree })
  } finally {
    options.progress.at('stopping what still runs')
    await Promise.allSettled([...running].map((stack) => stack.stop()))
    await watch?.stop()
    await page.stop()
    host.interruptedTwice.removeEventListener('abort', abandon)
    options.progress.done()
  }
}

/** The gates stop services and cause alerts on purpose: of these alone somebody is told. */
const TOLD_ALERTS = ['SoakBudgetSpent']

function watchOptionsOf(options: GateRunOptions): Parameters<typeof createWatch>[0] {
  const { host, profile, home, portBase, runId } = options
  return {
    repo: host.repository,
    home: join(home, 'watch'),
    portBase,
    runId,
    host,
    scrapeIntervalSeconds: profile.scrapeSeconds,
    // The hole in the record shows. An end of the others has to show by itself.
    restartTools: ['prometheus'],
    signal: host.interrupted,
    receivers: options.receivers ?? {},
    onlyAlerts: TOLD_ALERTS,
    onEvent: ({ tool, kind, cause }) => options.progress.say(`${tool}: ${kind}: ${cause}`),
    ...options.watchOptions,
  }
}

type RunContext = GateContext & { readonly files: GateFile[] }

function contextOf(
  options: GateRunOptions,
  parts: Pick<GateContext, 'watch' | 'running' | 'pageUrl' | 'tree'>,
): RunContext {
  const files: GateFile[] = []
  const { profile, host, home, portBase, runId, progress, configurationSources } = options
  return {
    profile,
    host,
    home,
    portBase,
    runId,
    progress,
    configurationSources,
    ...parts,
    signal: host.interrupted,
    planted: options.planted ?? {},
    files,
    keep: (file) => void files.push(file),
    testRunsPlanned: plannedTestRuns(profile, options.gates),
    testRuns: null,
  }
}

/** What is observed, in order: each gate, and after gate 5 the tests once more. */
function stepsOf({ profile, gates }: GateRunOptions): readonly GateRunner[] {
  const isAgain = plannedTestRuns(profile, gates) > profile.testRuns
  return [...GATE_RUNNERS]
    .filter(([gate]) => gates.includes(gate))
    .flatMap(([gate, observe]) =>
      gate === 'observability' && isAgain ? [observe, observeLaterTestRun] : [observe],
    )
}

/** Observes and judges step by step: a gate that does not pass ends the run, unless told to go on. */
async function observeGates(context: RunContext, options: GateRunOptions): Promise<readonly GateWindow[]> {
  const windows = new Map<string, GateWindow>()
  for (const observe of stepsOf(options)) {
    const window = await observe(context)
    windows.set(window.gate, window)
    const testRuns = context.testRuns?.made ?? options.profile.testRuns
    const { verdict } = await judge(options, context.watch, { windows: [window], testRuns })
    const [result] = verdict.gates
    if (result !== undefined) announce(options.progress, result)
    if (verdict.verdict !== 'PASS' && !options.keepGoing) break
  }
  return [...windows.values()]
}

interface Judging {
  readonly windows: readonly GateWindow[]
  /** Of the integration tests, that there must be by now. */
  readonly testRuns: number
}

function judge(options: GateRunOptions, watch: Watch, { windows, testRuns }: Judging): Promise<Judgement> {
  return judgeRunWithAnswers({
    criteriaFolder: options.criteriaFolder,
    windows,
    parameters: runParameters(options.profile, testRuns),
    prometheusUrl: watch.prometheusUrl,
  })
}

function announce(progress: Progress, result: GateResult): void {
  progress.say(`${result.gate}: ${result.verdict}`)
  for (const { verdict, sentence } of result.criteria) if (verdict !== 'PASS') progress.say(`  ${sentence}`)
  for (const sentence of statedPart(result)) progress.say(`  ${sentence}`)
}
