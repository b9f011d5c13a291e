import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Cron } from 'croner'
import type { OpsMetrics } from '../ops-metrics.ts'
import { backupSettings } from './backup-settings.ts'
import type { FileSystem } from './file-system.ts'
import { backupIds, isFromFuture, isVerified } from './folders.ts'
import { MANIFEST_NAME, readManifest } from './manifest.ts'

export interface ScheduleOptions {
  readonly home: string
  readonly ops: OpsMetrics
  readonly files: FileSystem
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: (level: 'INFO' | 'ERROR', operation: string, message: string) => void
}

export interface BackupSchedule {
  /** One backup now; resolves when it ended, well or not. */
  runNow(): Promise<void>
  stop(): void
}

const SECONDS_PER_MINUTE = 60
/** Backups made by hand count as well, so the folder is looked at now and then. */
const REPORT_EVERY_MS = 30_000

/** Backups at a fixed distance while the stack is up, each in a process of its own, each seen by Prometheus. */
export function startBackupSchedule(options: ScheduleOptions): BackupSchedule {
  const { home, ops, files, log } = options
  const { folder, everyMinutes } = backupSettings(home)
  const interval = everyMinutes * SECONDS_PER_MINUTE
  const stopping = new AbortController()
  const runNow = () => runBackup(options, stopping.signal)
  let dueMs = performance.now() + interval * 1000
  const plan = () => {
    const startAt = new Date(Date.now() + Math.max(0, dueMs - performance.now()))
    return new Cron('* * * * * *', { interval, startAt, protect: true }, async () => {
      dueMs = performance.now() + interval * 1000
      await runNow()
    })
  }
  let job = plan()
  const report = () => {
    if (wasClockSet(job, dueMs)) {
      job.stop()
      job = plan()
    }
    ops.setGauge('sonia_backup_next_timestamp_seconds', {}, (job.nextRun()?.getTime() ?? 0) / 1000)
    reportNewest(folder, { ops, files })
  }
  report()
  const reporting = setInterval(report, REPORT_EVERY_MS)
  log('INFO', 'backup', `next backup ${job.nextRun()?.toISOString() ?? 'never'}`)
  return {
    runNow: async () => {
      await runNow()
      report()
    },
    stop: () => {
      clearInterval(reporting)
      job.stop()
      stopping.abort()
    },
  }
}

const CLOCK_SLACK_MS = 60_000

/** A plan is a date: once the clock was set back by a year, it would put the next backup off for a year. */
function wasClockSet(job: Cron, dueMs: number): boolean {
  const plannedMs = (job.nextRun()?.getTime() ?? Number.POSITIVE_INFINITY) - Date.now()
  return Math.abs(plannedMs - (dueMs - performance.now())) > CLOCK_SLACK_MS
}

async function runBackup(options: ScheduleOptions, signal: AbortSignal): Promise<void> {
  const { home, ops, log } = options
  const { code, text } = await runProcess(home, options.env, signal)
  if (code === 0) {
    const { id, duration_ms: durationMs } = JSON.parse(text) as { id: string; duration_ms: number }
    ops.setGauge('sonia_backup_duration_seconds', {}, durationMs / 1000)
    log('INFO', 'backup', `${id} made and verified in ${durationMs} ms`)
  } else if (!signal.aborted) {
    ops.addToCounter('sonia_backup_failures_total', {}, 1)
    log('ERROR', 'backup', text.trim() || `ended with ${code}`)
  }
}

function runProcess(
  home: string,
  env: ScheduleOptions['env'],
  signal: AbortSignal,
): Promise<{ code: number | null; text: string }> {
  const main = fileURLToPath(new URL('./backup-main.ts', import.meta.url))
  const argument = JSON.stringify({ home, reason: 'scheduled' })
  const child = spawn(process.execPath, [main, argument], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, text: error.message }))
    child.once('close', (code) => resolve({ code, text }))
  })
}

function reportNewest(folder: string, { ops, files }: Pick<ScheduleOptions, 'ops' | 'files'>): void {
  // One from a clock that was ahead would look young for as long as it was ahead.
  const ids = backupIds(folder, files).filter((id) => !isFromFuture(id, Date.now()))
  const newest = ids.at(-1)
  const verified = ids.findLast((id) => isVerified(join(folder, id), files))
  if (newest !== undefined)
    ops.setGauge('sonia_backup_last_success_timestamp_seconds', {}, madeAt(folder, newest, files))
  if (verified !== undefined)
    ops.setGauge('sonia_backup_last_verified_timestamp_seconds', {}, madeAt(folder, verified, files))
}

function madeAt(folder: string, id: string, files: FileSystem): number {
  const path = join(folder, id, MANIFEST_NAME)
  return Date.parse(readManifest(files.read(path), path).created_at) / 1000
}
