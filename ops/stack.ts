import { join } from 'node:path'
import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { fillStartCaches } from './start-caches.ts'
import type { OpsHost } from './host.ts'
import { refuseOtherOwner } from './leftovers.ts'
import type { OpsMetrics } from './ops-metrics.ts'
import type { ProcessIdentity } from './process/identity.ts'
import { signalIdentity } from './process/identity.ts'
import { census, RUN_MARKER, type RunMark } from './process/run-processes.ts'
import type { ProcessExit } from './process/spawn-owned.ts'
import { removeProcessRecords, writeProcessRecords } from './process-records.ts'
import { refuseTakenPorts } from './refuse-taken-ports.ts'
import {
  repositoryPrograms,
  serviceEnvironment,
  servicePorts,
  type ServicePrograms,
} from './service-programs.ts'
import { ProcessSlot, type SlotChange } from './process-slot.ts'
import { isServiceReady } from './readiness.ts'
import { proveStopped, type StopProof } from './stack-proof.ts'
import { emptyTemporaryFolder, prepareHome, type StateHome, writeBootstrapSecrets } from './state-home.ts'
import { startTogether } from './start-together.ts'
import { inStopOrder } from './stop-order.ts'

export interface StackOptions {
  /** Root of the repository. */
  readonly repo: string
  readonly home: string
  readonly portBase: number
  /** One per start: the proofs of the stop look for it. */
  readonly runId: string
  readonly host: OpsHost
  /** Restarts are counted here. */
  readonly ops?: OpsMetrics | undefined
  /** Aborting while the stack starts stops what was started and throws the reason. */
  readonly signal?: AbortSignal | undefined
  readonly readyTimeoutMs?: number
  /** A service that ends on its own is started again, 3 times in 5 minutes; default true. */
  readonly restart?: boolean
  /** For drills that kill a service more often than that. */
  readonly restartsMax?: number | undefined
  readonly graceMs?: number
  /** Variables on top of the inherited environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** What to execute per service; tests plant misbehaving ones. */
  readonly programs?: ServicePrograms
  readonly onEvent?: (event: StackEvent) => void
}

export type StackEvent =
  | { readonly kind: 'ready'; readonly service: ServiceName; readonly afterMs: number }
  | {
      readonly kind: 'restarting' | 'given_up' | 'ended'
      readonly service: ServiceName
      readonly cause: string
    }

export interface StackProcess {
  readonly service: ServiceName
  readonly port: number
  readonly identity: ProcessIdentity
}

export interface StopReport extends StopProof {
  /** From the first SIGTERM until the last service had ended; the proofs come after. */
  readonly stopMs: number
  /** Services that SIGTERM and the grace did not stop. */
  readonly killed: readonly ServiceName[]
  /** How each service's last process ended; a drained one ends with code 0. */
  readonly exits: Readonly<Partial<Record<ServiceName, ProcessExit>>>
}

export interface Stack {
  readonly runId: string
  readonly ports: Readonly<Record<ServiceName, number>>
  /** From the first spawn until the last service was ready. */
  readonly startReadyMs: number
  /** The processes as they are now; a restarted service has a new identity. */
  readonly processes: readonly StackProcess[]
  /** Restarts by the supervisor so far. */
  readonly restarts: Readonly<Record<ServiceName, number>>
  /** For planted failures; false when that service has no process. */
  kill(service: ServiceName, signal: NodeJS.Signals): boolean
  /** Starts a service again that was given up, and waits until it is ready. */
  revive(service: ServiceName): Promise<void>
  /** SIGTERM, callers first, grace, SIGKILL, then the proofs. Repeating it gives the first report again. */
  stop(): Promise<StopReport>
  /** SIGKILL to everything at once, for a second Ctrl-C. */
  abandon(): void
}

const READY_TIMEOUT_MS = 30_000
const GRACE_MS = 5_000

/** Starts the six services side by side and returns once all of them are ready; leaves nothing behind when it throws. */
export async function startStack(options: StackOptions): Promise<Stack> {
  options.signal?.throwIfAborted()
  const folders = prepareHome({ home: options.home, repo: options.repo })
  refuseOtherOwner(folders)
  refuseTakenPorts(Object.values(servicePorts(options.portBase)))
  writeBootstrapSecrets(folders)
  emptyTemporaryFolder(folders)
  if (options.programs === undefined) await fillStartCaches(options.repo, options.host)
  const { clock } = options.host
  const startedAtMs = clock.monotonicMs()
  const slots = createSlots(options, folders)
  const stop = once(() => stopSlots(options, folders, slots))
  try {
    await allReady(options, slots, startedAtMs)
  } catch (error) {
    await stop()
    throw error
  }
  return runningStack(options, slots, { stop, startReadyMs: clock.monotonicMs() - startedAtMs })
}

/** One service and the slot its process runs in. */
interface StackSlot {
  readonly service: ServiceName
  readonly port: number
  readonly slot: ProcessSlot
}

function createSlots(options: StackOptions, folders: StateHome): readonly StackSlot[] {
  const programs = options.programs ?? repositoryPrograms(options.repo)
  const env = serviceEnvironment({ ...options, folders, extra: options.environment ?? {} })
  const ports = servicePorts(options.portBase)
  const slots: readonly StackSlot[] = SERVICE_NAMES.map((service) => {
    const port = ports[service]
    const slot = new ProcessSlot({
      name: service,
      program: programs(service),
      env,
      cwd: options.repo,
      outputFile: join(folders.logs, `${service}.out`),
      clock: options.host.clock,
      restart: options.restart ?? true,
      restartsMax: options.restartsMax,
      isReady: (pid) => isServiceReady({ pid, port, runId: options.runId }),
      onChange: (change) => onSlotChange(service, change),
    })
    return { service, port, slot }
  })
  const onSlotChange = (service: ServiceName, change: SlotChange) => {
    if (change.kind === 'spawned') record(options, folders, slots)
    else options.onEvent?.({ service, ...change })
    if (change.kind === 'restarting') options.ops?.countRestart(service)
    if (change.kind === 'given_up') options.ops?.setBudgetExhausted(service, true)
  }
  return slots
}

async function allReady(
  options: StackOptions,
  slots: readonly StackSlot[],
  startedAtMs: number,
): Promise<void> {
  const afterMs = () => options.host.clock.monotonicMs() - startedAtMs
  await startTogether(
    slots.map(({ service, slot }) => ({
      slot,
      onReady: () => options.onEvent?.({ kind: 'ready', service, afterMs: afterMs() }),
    })),
    { signal: options.signal, timeoutMs: options.readyTimeoutMs ?? READY_TIMEOUT_MS },
  )
}

function runningStack(
  options: StackOptions,
  slots: readonly StackSlot[],
  parts: { stop: () => Promise<StopReport>; startReadyMs: number },
): Stack {
  return {
    runId: options.runId,
    ports: servicePorts(options.portBase),
    ...parts,
    get processes() {
      return slots.flatMap(({ service, port, slot: { identity } }) =>
        identity === undefined ? [] : [{ service, port, identity }],
      )
    },
    get restarts() {
      return Object.fromEntries(slots.map(({ service, slot }) => [service, slot.restarts])) as Record<
        ServiceName,
        number
      >
    },
    kill: (service, signal) => slots.find((entry) => entry.service === service)?.slot.kill(signal) ?? false,
    revive: async (service) => {
      const slot = slots.find((entry) => entry.service === service)?.slot
      await slot?.spawn()
      await slot?.becomeReady(READY_TIMEOUT_MS, new AbortController().signal)
      options.ops?.setBudgetExhausted(service, false)
    },
    abandon: () => {
      for (const { slot } of slots) slot.forsake()
      for (const identity of census(markOf(options, slots))) signalIdentity(identity, 'SIGKILL')
    },
  }
}

async function stopSlots(
  options: StackOptions,
  folders: StateHome,
  slots: readonly StackSlot[],
): Promise<StopReport> {
  const { clock } = options.host
  const before = census(markOf(options, slots))
  const startedAtMs = clock.monotonicMs()
  const outcomes = await inStopOrder(SERVICE_NAMES, async (service) => {
    const slot = slots.find((entry) => entry.service === service)?.slot
    return {
      service,
      killed: (await slot?.stop(options.graceMs ?? GRACE_MS))?.killed === true,
      exit: slot?.exit,
    }
  })
  const stopMs = clock.monotonicMs() - startedAtMs
  const ports = Object.values(servicePorts(options.portBase))
  const proof = await proveStopped({ mark: markOf(options, slots), before, ports, clock })
  removeProcessRecords(folders, 'stack')
  return {
    stopMs,
    killed: outcomes.filter((outcome) => outcome.killed).map((outcome) => outcome.service),
    exits: Object.fromEntries(
      outcomes.flatMap(({ service, exit }) => (exit === undefined ? [] : [[service, exit]])),
    ),
    ...proof,
  }
}

function markOf(options: StackOptions, slots: readonly StackSlot[]): RunMark {
  return { marker: RUN_MARKER, value: options.runId, leaders: slots.flatMap(({ slot }) => slot.leaders) }
}

function record(options: StackOptions, folders: StateHome, slots: readonly StackSlot[]): void {
  const processes = slots.flatMap(({ service, port, slot: { identity } }) =>
    identity === undefined ? [] : [{ name: service, port, ...identity }],
  )
  writeProcessRecords(folders, { role: 'stack', marker: RUN_MARKER, run_id: options.runId, processes })
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined
  return () => (result ??= run())
}
