import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readReceivers } from './alerts/receivers.ts'
import { readyState } from './backup/before-start.ts'
import type { OpsHost } from './host.ts'
import { describeIdentity, refuseOtherOwner, removeLeftovers } from './leftovers.ts'
import { OPS_EXIT, OpsError } from './ops-error.ts'
import { isAlive, signalIdentity } from './process/identity.ts'
import { type OwnedProcess, spawnOwned } from './process/spawn-owned.ts'
import { refuseTakenPorts } from './refuse-taken-ports.ts'
import { newRunId } from './run-id.ts'
import { inherited, servicePorts } from './service-programs.ts'
import { prepareHome, type StateHome } from './state-home.ts'
import { readSupervisorRecord, runningSupervisor, type SupervisorRecord } from './supervisor-record.ts'
import { waitUntil } from './wait-until.ts'
import { watchPorts } from './watch.ts'

/** What the daemon is told on its command line. */
export interface SupervisorArguments {
  readonly repo: string
  readonly home: string
  readonly port_base: number
  readonly run_id: string
  readonly scrape_seconds: number
}

export interface UpOptions {
  readonly repo: string
  readonly home: string
  readonly portBase: number
  /** A stack that runs on other ports is no answer. */
  readonly insistsOnPorts?: boolean
  readonly scrapeIntervalSeconds: number
  readonly host: OpsHost
  readonly interrupted: AbortSignal
  readonly interruptedTwice: AbortSignal
  /** One line for a person about what is being done. */
  readonly say: (line: string) => void
  /** Throws where the state should not be started on; asked once the folders are there, and not of a running stack. */
  readonly preflight?: (folders: StateHome) => Promise<void>
}

export interface UpOutcome {
  readonly record: SupervisorRecord
  readonly wasRunning: boolean
}

const START_TIMEOUT_MS = 90_000
const STOP_TIMEOUT_MS = 30_000
const POLL_MS = 50

/** Starts the supervisor in a session of its own and waits until the stack is ready. */
export async function bringUp(options: UpOptions): Promise<UpOutcome> {
  const folders = prepareHome(options)
  const known = runningSupervisor(folders)
  if (known !== undefined && known.state !== 'failed') return runningAlready(known, options)
  refuseOtherOwner(folders)
  await clearLeftovers(folders, options)
  refuseTakenPorts([
    ...Object.values(servicePorts(options.portBase)),
    ...Object.values(watchPorts(options.portBase)),
  ])
  options.say('checking settings, secrets, ports and disk, as ./sonia preflight shows them')
  await options.preflight?.(folders)
  await readyState({ home: folders.home, nowMs: () => options.host.clock.nowMs(), say: options.say })
  const receivers = readReceivers(folders)
  if (Object.keys(receivers.page ?? {}).length === 0) {
    options.say('config/alerting.json names no receiver of pages: alerts are shown, but nobody is told')
  }
  options.say('starting Prometheus, Alertmanager, the Collector and the six services')
  const daemon = await spawnSupervisor(folders, options)
  const record = await untilReady(folders, daemon, options)
  if (record.failure !== null) {
    const { exit_code, message, hint } = record.failure
    throw new OpsError(exit_code, message, { hint })
  }
  return { record, wasRunning: false }
}

function runningAlready(record: SupervisorRecord, { insistsOnPorts, portBase }: UpOptions): UpOutcome {
  if (insistsOnPorts === true && record.port_base !== portBase) {
    throw new OpsError(
      OPS_EXIT.unavailable,
      `it already runs, on ports from ${record.port_base}: --port-base ${portBase} was not used`,
      { hint: './sonia down, then up again' },
    )
  }
  return { record, wasRunning: true }
}

async function clearLeftovers(folders: StateHome, options: UpOptions): Promise<void> {
  const { removed, killed } = await removeLeftovers(folders, options.host.clock)
  for (const entry of removed) options.say(`stopped a leftover of an earlier run: ${describeIdentity(entry)}`)
  for (const entry of killed) options.say(`it did not hear SIGTERM and was killed: pid ${entry.pid}`)
}

function spawnSupervisor(folders: StateHome, options: UpOptions): Promise<OwnedProcess> {
  const settings: SupervisorArguments = {
    repo: options.repo,
    home: folders.home,
    port_base: options.portBase,
    run_id: newRunId(options.host.clock),
    scrape_seconds: options.scrapeIntervalSeconds,
  }
  return spawnOwned({
    name: 'supervisor',
    command: process.execPath,
    args: [fileURLToPath(new URL('supervisor-main.ts', import.meta.url)), JSON.stringify(settings)],
    env: inherited(options.host.env),
    cwd: options.repo,
    outputFile: join(folders.logs, 'supervisor.log'),
  })
}

async function untilReady(
  folders: StateHome,
  daemon: OwnedProcess,
  options: UpOptions,
): Promise<SupervisorRecord> {
  const ask = () => {
    const record = readSupervisorRecord(folders)
    const isOurs = record?.identity.pid === daemon.identity.pid
    if (isOurs && (record.state === 'ready' || record.state === 'failed')) return record
    return daemon.exit() === undefined ? undefined : null
  }
  const wait = { clock: options.host.clock, timeoutMs: START_TIMEOUT_MS, intervalMs: POLL_MS }
  try {
    const record = await waitUntil(ask, { ...wait, signal: options.interrupted })
    if (record) return record
  } catch (error) {
    if (!options.interrupted.aborted) throw error
    options.say('interrupted: stopping what was started')
  }
  await stopSupervisor(daemon.identity, folders, options)
  if (options.interrupted.aborted) {
    throw new OpsError(OPS_EXIT.interrupted, 'interrupted; nothing was left running', { hint: './sonia up' })
  }
  throw new OpsError(OPS_EXIT.internal, 'the supervisor did not bring the stack up', {
    hint: 'see logs/supervisor.log in the state folder',
  })
}

/** SIGTERM to the supervisor and patience; a second Ctrl-C, or the end of patience, kills everything it started. */
export async function stopSupervisor(
  identity: SupervisorRecord['identity'],
  folders: StateHome,
  options: Pick<UpOptions, 'host' | 'interruptedTwice'>,
): Promise<void> {
  const { clock } = options.host
  signalIdentity(identity, 'SIGTERM')
  const gone = () => (isAlive(identity) ? undefined : true)
  const wait = { clock, timeoutMs: STOP_TIMEOUT_MS, intervalMs: POLL_MS, signal: options.interruptedTwice }
  const stopped = await waitUntil(gone, wait).catch(() => undefined)
  if (stopped === true) return
  signalIdentity(identity, 'SIGKILL')
  await waitUntil(gone, { clock, timeoutMs: STOP_TIMEOUT_MS, intervalMs: POLL_MS })
  await removeLeftovers(folders, clock)
}
