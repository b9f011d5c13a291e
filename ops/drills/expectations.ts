import type { Severity } from '../alerts/alert-rule.ts'
import type { OpsClock } from '../host.ts'
import { waitUntil } from '../wait-until.ts'
import type { Pager, PagerNotice } from './pager.ts'

/** What was expected of one alert, and what came. */
export interface AlertOutcome {
  readonly alert: string
  readonly severity: Severity
  readonly service: string
  readonly cause: 'real' | 'planted'
  readonly receiver: string
  /** From the fault to its arrival at the receiver; null when it did not come in time. */
  readonly fired_after_ms: number | null
  /** From the end of the fault to the arrival of "resolved"; null when it did not come in time. */
  readonly resolved_after_ms: number | null
}

export interface Expected {
  readonly alert: string
  readonly severity: Severity
  readonly service: string
}

export const RECEIVER_OF: Readonly<Record<Severity, string>> = {
  critical: 'page',
  warning: 'ticket',
  info: 'none',
}
const POLL_MS = 50

/** The first notice of that kind after a moment; undefined when the time is up. */
export function awaitNotice(
  pager: Pager,
  expected: Expected,
  options: {
    status: PagerNotice['status']
    sinceMs: number
    clock: OpsClock
    timeoutMs: number
    signal: AbortSignal
  },
): Promise<PagerNotice | undefined> {
  const isIt = (notice: PagerNotice) =>
    notice.alert === expected.alert &&
    notice.severity === expected.severity &&
    notice.service === expected.service &&
    notice.receiver === RECEIVER_OF[expected.severity] &&
    notice.status === options.status &&
    notice.atMs >= options.sinceMs
  return waitUntil(() => pager.notices.find(isIt), { ...options, intervalMs: POLL_MS })
}
