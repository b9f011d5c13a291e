import { join } from 'node:path'
import type { ServicePrograms } from '#ops/service-programs.ts'
import { type Stack, type StopReport, startStack } from '#ops/stack.ts'
import type { Watch } from '#ops/watch.ts'
import type { GateWindow } from '../engine/types.ts'
import type { GateFile } from '../evidence/write-bundle.ts'
import type { Host } from '../host.ts'
import type { Profile } from '../profiles.ts'
import type { Progress } from './progress.ts'
import type { JudgedTree } from './judged-tree.ts'
import { writeRunConfiguration } from './run-configuration.ts'

/** Departures from the product that tests plant; a run of the product has none. */
export interface Planted {
  readonly programs?: ServicePrograms
  readonly environment?: Readonly<Record<string, string>>
  readonly onLoadStarted?: (parts: LoadedParts) => void
  readonly testFiles?: string
  /** Instead of the provider that the soak brings. */
  readonly modelRouter?: Readonly<Record<string, unknown>>
}

/** What runs while the load does. */
export interface LoadedParts {
  readonly stack: Stack
  readonly watch: Watch
  readonly k6Pid: number
}

export interface MadeTestRuns {
  readonly made: number
  readonly window: GateWindow
}

/** What a runner works with. It observes and counts; it never decides. */
export interface GateContext {
  readonly profile: Profile
  readonly host: Host
  /** State folder of this run alone. */
  readonly home: string
  readonly portBase: number
  readonly runId: string
  readonly watch: Watch
  readonly progress: Progress
  readonly tree: JudgedTree
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
  readonly planted: Planted
  /** Page that browser.open may load. */
  readonly pageUrl: string
  /** Folders whose sonia.json the run's own configuration is made from. */
  readonly configurationSources: readonly string[]
  /** Files for the bundle: `gates/<gate>/...`. */
  readonly keep: (file: GateFile) => void
  /** Stacks that run now; whatever ends the program stops them. */
  readonly running: Set<Stack>
  /** Of the integration tests, in the whole run. */
  readonly testRunsPlanned: number
  /** The runs of the integration tests made so far, and their window. */
  testRuns: MadeTestRuns | null
}

/** Observes one gate over the real stack and says which window to judge. */
export type GateRunner = (context: GateContext) => Promise<GateWindow>

export interface GateStackOptions {
  readonly home?: string
  readonly restartsMax?: number
  /** Takes the place of what is configured for model-router. */
  readonly modelRouter?: Readonly<Record<string, unknown>>
  /** On top of what is configured for eva-os. */
  readonly evaOs?: Readonly<Record<string, unknown>>
}

/** A fresh start of the six services. `name` tells it from the run's other starts. */
export async function startGateStack(
  context: GateContext,
  name: string,
  { home, restartsMax, modelRouter, evaOs }: GateStackOptions = {},
): Promise<Stack> {
  const { planted, host, portBase, signal, watch, pageUrl } = context
  const stackHome = home ?? join(context.home, 'stack')
  const sources = context.configurationSources
  await writeRunConfiguration({ home: stackHome, sources, pageUrl, modelRouter, evaOs })
  watch.ops.trackConfiguration(join(stackHome, 'config'))
  const stack = await startStack({
    repo: host.repository,
    home: stackHome,
    portBase,
    runId: `${context.runId}-${name}`,
    host,
    ops: watch.ops,
    signal,
    restartsMax,
    ...(planted.programs === undefined ? {} : { programs: planted.programs }),
    ...(planted.environment === undefined ? {} : { environment: planted.environment }),
  })
  context.running.add(stack)
  return stack
}

export async function stopGateStack(context: GateContext, stack: Stack): Promise<StopReport> {
  const report = await stack.stop()
  context.running.delete(stack)
  return report
}

/** Waits on the run's clock; throws when the run was interrupted meanwhile. */
export async function pause(
  { host, signal }: Pick<GateContext, 'host' | 'signal'>,
  ms: number,
): Promise<void> {
  if (ms > 0) await host.clock.sleep(ms, signal)
  signal.throwIfAborted()
}
