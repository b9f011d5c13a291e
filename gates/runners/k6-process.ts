import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { WATCH_MARKER } from '#ops/process/run-processes.ts'
import { inherited } from '#ops/service-programs.ts'
import { locateTool } from '#tools/locate.ts'
import type { GateContext } from './gate-context.ts'

export interface LoadProcess {
  readonly pid: number
  /** Exit code once it ended, null where a signal ended it. Never rejects: Prometheus says what was delivered. */
  readonly ended: Promise<number | null>
  /** Ends the load at once; what it measured so far has been written within a second. */
  stop(): void
}

/** Everything beyond the plan is grace; after it the load generator hangs and is killed. */
const GRACE_SECONDS = 90

/** Starts k6 with the soak's scenarios, writing what it measures into the run's Prometheus every second. */
export async function startLoad(context: GateContext, pageUrl: string): Promise<LoadProcess> {
  const { host, profile, signal } = context
  const k6 = await locateTool('k6', host)
  const child = spawn(k6.path, k6Arguments(context, pageUrl), {
    cwd: host.repository,
    env: { ...inherited(host.env), ...k6Environment(context), [WATCH_MARKER]: context.runId },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.any([signal, AbortSignal.timeout((profile.soakSeconds + GRACE_SECONDS) * 1000)]),
    killSignal: 'SIGKILL',
  })
  const log = createWriteStream(loadLog(context), { flags: 'a' })
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('close', (code) => log.end(() => resolve(code)))
  })
  if (child.pid === undefined) throw new Error(`${k6.path} could not be started`)
  return { pid: child.pid, ended, stop: () => void child.kill('SIGKILL') }
}

export function loadLog(context: Pick<GateContext, 'home'>): string {
  return join(context.home, 'k6.log')
}

function k6Arguments({ host, profile, portBase, runId }: GateContext, pageUrl: string): readonly string[] {
  const settings: Readonly<Record<string, string | number>> = {
    PORT_BASE: portBase,
    DURATION_SECONDS: profile.soakSeconds,
    CHAT_PER_MINUTE: Math.round(profile.chatPerSecond * 60),
    ACTION_PER_MINUTE: Math.round(profile.actionPerSecond * 60),
    VOICE_PER_MINUTE: Math.round(profile.voicePerSecond * 60),
    PAGE_URL: pageUrl,
    // The part of the run id that differs between runs, short enough for a correlation id.
    RUN_MARK: runId.slice(-8).replaceAll(/[^A-Za-z0-9]/g, ''),
  }
  return [
    'run',
    '--quiet',
    '--no-color',
    '--no-usage-report',
    '--summary-mode=disabled',
    '--out=experimental-prometheus-rw',
    ...Object.entries(settings).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    join(host.repository, 'k6', 'scenarios', 'soak.ts'),
  ]
}

function k6Environment({ watch }: GateContext): Readonly<Record<string, string>> {
  return {
    K6_PROMETHEUS_RW_SERVER_URL: `${watch.prometheusUrl}/api/v1/write`,
    K6_FEATURES: 'native-histograms',
    K6_PROMETHEUS_RW_PUSH_INTERVAL: '1s',
    K6_PROMETHEUS_RW_STALE_MARKERS: 'true',
  }
}
