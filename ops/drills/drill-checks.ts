import { waitUntil } from '../wait-until.ts'
import type { DrillStage } from './alert-drill.ts'
import type { Pager } from './pager.ts'
import type { PlantedAlert } from './planted-alerts.ts'

/** The dead man's switch: heard while all is well, raised when it falls silent. */
export interface HeartbeatOutcome {
  readonly beats_before: number
  /** From the end of Alertmanager until the switch raised. */
  readonly silence_noticed_after_ms: number | null
  /** From Alertmanager's return until the next beat. */
  readonly heard_again_after_ms: number | null
  readonly passed: boolean
}

/** The switch raises after this much silence; beats come every second. */
const SILENCE_MS = 4_000
const WAIT_MS = 30_000

export async function drillHeartbeat(stage: DrillStage): Promise<HeartbeatOutcome> {
  const { pager, host, signal } = stage.options
  const beats = () => pager.notices.filter((notice) => notice.receiver === 'heartbeat')
  const lastBeatMs = () => beats().at(-1)?.atMs ?? 0
  const wait = { clock: host.clock, timeoutMs: WAIT_MS, intervalMs: 50, signal }
  const before = beats().length
  const stoppedMs = stage.now()
  stage.watch.kill('alertmanager', 'SIGKILL')
  const raisedMs = await waitUntil(
    () => (stage.now() - lastBeatMs() > SILENCE_MS ? stage.now() : undefined),
    wait,
  )
  const revivedMs = stage.now()
  await stage.watch.revive('alertmanager')
  const heardMs = await waitUntil(() => (lastBeatMs() > revivedMs ? lastBeatMs() : undefined), wait)
  return {
    beats_before: before,
    silence_noticed_after_ms: raisedMs === undefined ? null : Math.round(raisedMs - stoppedMs),
    heard_again_after_ms: heardMs === undefined ? null : Math.round(heardMs - revivedMs),
    passed: before > 1 && raisedMs !== undefined && heardMs !== undefined,
  }
}

/** A page that ends may leave its warning behind for a moment, which then is a ticket of its own right. */
const ENDING_MS = 2_000

/** A ticket that left just before its page was known may arrive just after it. */
const UNDER_WAY_MS = 500

/**
 * The planted critical cases exceed the warning's limit too: a ticket while their page fires means inhibition failed.
 * One before it is none: a ratio that climbs passes the warning's limit first, and nothing holds a ticket back yet.
 */
export function checkInhibition(pager: Pager, cases: readonly PlantedAlert[]): readonly string[] {
  const pages = cases.filter((entry) => entry.severity === 'critical' && entry.service.startsWith('drill-'))
  return pages.flatMap(({ service }) => {
    const notices = pager.notices.filter((notice) => notice.service === service)
    const begun = notices.find((notice) => notice.receiver === 'page' && notice.status === 'firing')
    const beganMs = (begun?.atMs ?? Number.POSITIVE_INFINITY) + UNDER_WAY_MS
    const ended = notices.find((notice) => notice.receiver === 'page' && notice.status === 'resolved')
    const endingMs = (ended?.atMs ?? Number.POSITIVE_INFINITY) - ENDING_MS
    return notices
      .filter(
        ({ receiver, status, atMs }) =>
          receiver === 'ticket' && status === 'firing' && atMs > beganMs && atMs < endingMs,
      )
      .map((notice) => `${notice.alert} ${service}`)
  })
}
