import { join } from 'node:path'
import { SERVICE_NAMES, WATCH_PORTS, portAt } from '#catalog'
import type { OpsHost } from './host.ts'
import { createHostSampler } from './host-figures.ts'
import { refuseOtherOwner } from './leftovers.ts'
import { type MetricsEndpoint, serveOpsMetrics } from './metrics-endpoint.ts'
import { createOpsMetrics, type OpsMetrics } from './ops-metrics.ts'
import { census, type RunMark, WATCH_MARKER } from './process/run-processes.ts'
import { signalIdentity } from './process/identity.ts'
import { removeProcessRecords, writeProcessRecords } from './process-records.ts'
import { refuseTakenPorts } from './refuse-taken-ports.ts'
import type { AlertWaits, Receivers } from './rendering/alertmanager-config.ts'
import type { ScrapeTarget } from './rendering/prometheus-config.ts'
import { servicePorts } from './service-programs.ts'
import { proveStopped, type StopProof } from './stack-proof.ts'
import { startTogether } from './start-together.ts'
import { prepareHome, type StateHome } from './state-home.ts'
import { watchFolders, writeWatchFiles } from './watch-files.ts'
import { createWatchSlots, WATCH_TOOLS, type WatchSlot, type WatchTool } from './watch-tools.ts'

export interface WatchOptions {
  /** Root of the repository. */
  readonly repo: string
  readonly home: string
  readonly portBase: number
  /** May equal a stack's run id: the tools carry a marker of their own. */
  readonly runId: string
  readonly host: OpsHost
  readonly scrapeIntervalSeconds: number
  /** How long Prometheus keeps what it recorded ("4d"). */
  readonly retention?: string
  /** Targets of job="sonia"; default: the six services at this port base. */
  readonly targets?: readonly ScrapeTarget[]
  /** Where pages and tickets go; default: nowhere, they are only shown. */
  readonly receivers?: Receivers
  readonly alertWaits?: AlertWaits
  /** Alerts that are told to anybody; default: all. A run that stops services on purpose tells of few. */
  readonly onlyAlerts?: readonly string[]
  /** Replaces the committed alert rules, for runs with short intervals. */
  readonly alertRules?: string
  /** host:port of series made up by a drill; they keep the labels they bring. */
  readonly plantedTarget?: string
  /** Tools that are started again when they end on their own; default: none. */
  readonly restartTools?: readonly WatchTool[]
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: (event: WatchEvent) => void
}

export interface WatchEvent {
  readonly kind: 'restarting' | 'given_up' | 'ended'
  readonly tool: WatchTool
  readonly cause: string
}

export interface WatchStopReport extends StopProof {
  readonly stopMs: number
  readonly killed: readonly WatchTool[]
}

export interface Watch {
  readonly prometheusUrl: string
  readonly alertmanagerUrl: string
  /** OTLP over HTTP. */
  readonly collectorUrl: string
  readonly ops: OpsMetrics
  /** Holds traces.jsonl: OTLP JSON, one batch of spans a line. */
  readonly collectorFolder: string
  /** Prometheus' data; snapshots appear below `snapshots/`. */
  readonly prometheusFolder: string
  /** Rendered configuration and rules of this run. */
  readonly configFolder: string
  readonly startReadyMs: number
  readonly toolPids: Readonly<Partial<Record<WatchTool, number>>>
  /** For planted failures. */
  kill(tool: WatchTool, signal: NodeJS.Signals): boolean
  /** Starts a tool again that was killed, and waits until it is ready. */
  revive(tool: WatchTool): Promise<void>
  /** Lets Prometheus watch these targets of job="sonia" from now on. */
  setTargets(targets: readonly ScrapeTarget[]): void
  stop(): Promise<WatchStopReport>
  /** SIGKILL to everything at once, for a second Ctrl-C. */
  abandon(): void
}

const READY_TIMEOUT_MS = 30_000
const GRACE_MS = 10_000
const DEFAULT_RETENTION = '15d'

/** Every port of the watching side at this port base. */
export function watchPorts(
  portBase: number,
): Readonly<Record<WatchTool | 'collectorHealth' | 'collectorMetrics' | 'ops', number>> {
  const at = (port: number) => portAt(port, portBase)
  return {
    prometheus: at(WATCH_PORTS.prometheus),
    alertmanager: at(WATCH_PORTS.alertmanager),
    collector: at(WATCH_PORTS.collector),
    collectorHealth: at(WATCH_PORTS.collectorHealth),
    collectorMetrics: at(WATCH_PORTS.collectorMetrics),
    ops: at(WATCH_PORTS.ops),
  }
}

/** The six services as targets of job="sonia". */
export function serviceTargets(portBase: number): readonly ScrapeTarget[] {
  const ports = servicePorts(portBase)
  return SERVICE_NAMES.map((service) => ({ service, address: `127.0.0.1:${ports[service]}` }))
}

/** Starts Prometheus, Alertmanager, the Collector and the supervisor's own endpoint; leaves nothing behind when it throws. */
export async function createWatch(options: WatchOptions): Promise<Watch> {
  options.signal?.throwIfAborted()
  const ports = watchPorts(options.portBase)
  const folders = prepareHome({ home: options.home, repo: options.repo })
  refuseOtherOwner(folders)
  refuseTakenPorts(Object.values(ports))
  const { clock } = options.host
  const startedAtMs = clock.monotonicMs()
  const ops = createOpsMetrics()
  const endpoint = await serveOpsMetrics({
    metrics: ops,
    bind: '127.0.0.1',
    port: ports.ops,
    sample: createHostSampler(ops, folders.home, clock),
  })
  ops.trackTool('supervisor', process.pid)
  const slots = await startableSlots(options, folders, ops).catch(async (error: unknown) => {
    await endpoint.stop()
    throw error
  })
  const running = { options, folders, endpoint, slots }
  const stop = once(() => stopWatch(running))
  try {
    const starts = running.slots.map(({ slot }) => ({ slot }))
    await startTogether(starts, { signal: options.signal, timeoutMs: READY_TIMEOUT_MS })
  } catch (error) {
    await stop()
    throw error
  }
  return runningWatch(running, { ops, stop, startReadyMs: clock.monotonicMs() - startedAtMs })
}

interface RunningWatch {
  readonly options: WatchOptions
  readonly folders: StateHome
  readonly endpoint: MetricsEndpoint
  readonly slots: readonly WatchSlot[]
}

async function startableSlots(
  options: WatchOptions,
  folders: StateHome,
  ops: OpsMetrics,
): Promise<readonly WatchSlot[]> {
  const files = writeWatchFiles(folders, {
    targets: serviceTargets(options.portBase),
    receivers: {},
    ...options,
  })
  const slots: readonly WatchSlot[] = await createWatchSlots({
    ...options,
    folders,
    files,
    ports: watchPorts(options.portBase),
    retention: options.retention ?? DEFAULT_RETENTION,
    restart: options.restartTools ?? [],
    onChange: (tool, change) => {
      if (change.kind !== 'spawned') return options.onEvent?.({ tool, ...change })
      for (const entry of slots) {
        const pid = entry.slot.identity?.pid
        if (pid !== undefined) ops.trackTool(entry.tool, pid)
      }
      record(options, folders, slots)
    },
  })
  return slots
}

function runningWatch(running: RunningWatch, parts: Pick<Watch, 'ops' | 'stop' | 'startReadyMs'>): Watch {
  const ports = watchPorts(running.options.portBase)
  const files = watchFolders(running.folders)
  const slotOf = (tool: WatchTool) => running.slots.find((entry) => entry.tool === tool)?.slot
  return {
    ...parts,
    prometheusUrl: `http://127.0.0.1:${ports.prometheus}`,
    alertmanagerUrl: `http://127.0.0.1:${ports.alertmanager}`,
    collectorUrl: `http://127.0.0.1:${ports.collector}`,
    collectorFolder: files.traces,
    prometheusFolder: files.prometheusData,
    configFolder: join(running.folders.run, 'prometheus'),
    get toolPids() {
      const pairs = WATCH_TOOLS.map((tool) => [tool, slotOf(tool)?.identity?.pid] as const)
      return Object.fromEntries(pairs.filter(([, pid]) => pid !== undefined)) as Partial<
        Record<WatchTool, number>
      >
    },
    kill: (tool, signal) => slotOf(tool)?.kill(signal) ?? false,
    revive: async (tool) => {
      await slotOf(tool)?.spawn()
      await slotOf(tool)?.becomeReady(READY_TIMEOUT_MS, new AbortController().signal)
    },
    setTargets: (targets) => {
      writeWatchFiles(running.folders, { receivers: {}, ...running.options, targets })
      slotOf('prometheus')?.kill('SIGHUP')
    },
    abandon: () => {
      for (const { slot } of running.slots) slot.forsake()
      for (const identity of census(markOf(running))) signalIdentity(identity, 'SIGKILL')
    },
  }
}

async function stopWatch(running: RunningWatch): Promise<WatchStopReport> {
  const { clock } = running.options.host
  const before = census(markOf(running))
  const startedAtMs = clock.monotonicMs()
  const outcomes = await Promise.all(
    running.slots.map(async ({ tool, slot }) => ({ tool, killed: (await slot.stop(GRACE_MS)).killed })),
  )
  await running.endpoint.stop()
  const stopMs = clock.monotonicMs() - startedAtMs
  const ports = Object.values(watchPorts(running.options.portBase))
  const proof = await proveStopped({ mark: markOf(running), before, ports, clock })
  removeProcessRecords(running.folders, 'watch')
  return {
    stopMs,
    killed: outcomes.filter((outcome) => outcome.killed).map((outcome) => outcome.tool),
    ...proof,
  }
}

function markOf(running: RunningWatch): RunMark {
  const leaders = running.slots.flatMap(({ slot }) => slot.leaders)
  return { marker: WATCH_MARKER, value: running.options.runId, leaders }
}

function record(options: WatchOptions, folders: StateHome, slots: readonly WatchSlot[]): void {
  const ports = watchPorts(options.portBase)
  const processes = slots.flatMap(({ tool, slot: { identity } }) =>
    identity === undefined ? [] : [{ name: tool, port: ports[tool], ...identity }],
  )
  writeProcessRecords(folders, { role: 'watch', marker: WATCH_MARKER, run_id: options.runId, processes })
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => (result ??= run())
}
