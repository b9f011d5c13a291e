import { readReceivers } from './alerts/receivers.ts'
import { type BackupSchedule, startBackupSchedule } from './backup/backup-schedule.ts'
import { realFileSystem } from './backup/file-system.ts'
import { finishPendingSwap } from './backup/swap-journal.ts'
import { type RunningGrafana, startGrafana } from './grafana.ts'
import type { OpsHost } from './host.ts'
import { OPS_EXIT, OpsError, type OpsExitCode } from './ops-error.ts'
import { readIdentity } from './process/identity.ts'
import type { ServicePrograms } from './service-programs.ts'
import { type Stack, startStack } from './stack.ts'
import { isClean } from './stack-proof.ts'
import { prepareHome, type StateHome, stateHome } from './state-home.ts'
import { removeSupervisorRecord, type SupervisorRecord, writeSupervisorRecord } from './supervisor-record.ts'
import { writeStopSummary } from './stop-summary.ts'
import { createWatch, type Watch, type WatchOptions } from './watch.ts'
import { WATCH_TOOLS } from './watch-tools.ts'

export interface SupervisorOptions {
  readonly repo: string
  readonly home: string
  readonly portBase: number
  readonly runId: string
  readonly host: OpsHost
  readonly watch: Pick<WatchOptions, 'scrapeIntervalSeconds' | 'receivers' | 'alertRules' | 'alertWaits'>
  /** The first SIGTERM or SIGINT: stop in order. */
  readonly stopAsked: AbortSignal
  /** The second one: stop at once. */
  readonly stopAskedTwice: AbortSignal
  readonly log: (level: 'INFO' | 'WARN' | 'ERROR', operation: string, message: string) => void
  readonly programs?: ServicePrograms
}

interface Running {
  watch?: Watch
  stack?: Stack
  grafana?: RunningGrafana | undefined
}

/** Runs the stack and what watches it until it is asked to stop; returns the exit code. */
export async function runSupervisor(options: SupervisorOptions): Promise<number> {
  const folders = prepareHome(options)
  // A restore that was killed is finished before anybody opens the data.
  const restored = finishPendingSwap(folders.home, realFileSystem)
  if (restored !== null) options.log('WARN', 'restore', `finished the interrupted restore of ${restored}`)
  const running: Running = {}
  options.stopAskedTwice.addEventListener('abort', () => {
    running.stack?.abandon()
    running.watch?.abandon()
  })
  const say = createSayer(options, folders)
  say('starting', {})
  try {
    await start(options, running)
  } catch (error) {
    await stop(folders, options, running)
    if (options.stopAsked.aborted) return finish(folders, OPS_EXIT.interrupted)
    const failure = failureOf(error)
    options.log('ERROR', 'start', failure.message)
    say('failed', { failure })
    return failure.exit_code
  }
  say('ready', { start_ready_ms: running.stack?.startReadyMs ?? null })
  const backups = scheduleBackups(options, running)
  running.grafana = await startGrafana({ ...options, folders }).catch((error: unknown) => {
    options.log('WARN', 'grafana', error instanceof Error ? error.message : String(error))
    return undefined
  })
  options.log('INFO', 'start', `ready after ${Math.round(running.stack?.startReadyMs ?? 0)} ms`)
  await aborted(options.stopAsked)
  say('stopping', {})
  backups.stop()
  const clean = await stop(folders, options, running)
  return finish(folders, clean ? 0 : 1)
}

async function start(options: SupervisorOptions, running: Running): Promise<void> {
  const { repo, home, portBase, runId, host, log, stopAsked: signal } = options
  const shared = { repo, home, portBase, runId, host, signal }
  running.watch = await createWatch({
    ...shared,
    receivers: readReceivers(stateHome(home)),
    ...options.watch,
    restartTools: WATCH_TOOLS,
    onEvent: ({ tool, kind, cause }) => log('WARN', kind, `${tool} ended ${cause}`),
  })
  running.stack = await startStack({
    ...shared,
    ops: running.watch.ops,
    ...(options.programs === undefined ? {} : { programs: options.programs }),
    onEvent: (event) => {
      if (event.kind === 'ready')
        log('INFO', 'ready', `${event.service} after ${Math.round(event.afterMs)} ms`)
      else log('WARN', event.kind, `${event.service} ended ${event.cause}`)
    },
  })
}

function scheduleBackups({ home, host, log }: SupervisorOptions, { watch }: Running): BackupSchedule {
  if (watch === undefined) throw new Error('backups are scheduled only while somebody watches')
  return startBackupSchedule({ home, ops: watch.ops, files: realFileSystem, env: host.env, log })
}

async function stop(folders: StateHome, options: SupervisorOptions, running: Running): Promise<boolean> {
  await running.grafana?.stop()
  const stack = await running.stack?.stop()
  const watch = await running.watch?.stop()
  writeStopSummary(folders, { run_id: options.runId, stack, watch })
  const reports = [stack, watch].filter((report) => report !== undefined)
  const clean = reports.every((report) => isClean(report) && report.killed.length === 0)
  options.log(clean ? 'INFO' : 'ERROR', 'stop', clean ? 'stopped, nothing left' : 'stopped, but not cleanly')
  return clean
}

function finish(folders: StateHome, exitCode: number): number {
  removeSupervisorRecord(folders)
  return exitCode
}

function createSayer(options: SupervisorOptions, folders: StateHome) {
  const identity = readIdentity(process.pid)
  if (identity === undefined) throw new Error('this process is not in /proc')
  const started_at = new Date(options.host.clock.nowMs()).toISOString()
  const base = { identity, run_id: options.runId, port_base: options.portBase, started_at }
  return (state: SupervisorRecord['state'], more: Partial<SupervisorRecord>) =>
    writeSupervisorRecord(folders, { ...base, start_ready_ms: null, failure: null, ...more, state })
}

function failureOf(error: unknown): { message: string; hint: string; exit_code: OpsExitCode } {
  if (error instanceof OpsError)
    return { message: error.message, hint: error.hint, exit_code: error.exitCode }
  if (error instanceof Error && 'exitCode' in error && 'hint' in error) {
    return { message: error.message, hint: String(error.hint), exit_code: error.exitCode as OpsExitCode }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { message, hint: 'see logs/supervisor.log in the state folder', exit_code: OPS_EXIT.internal }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
