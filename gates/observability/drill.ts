import { join } from 'node:path'
import { CATALOG, portAt, WATCH_PORTS } from '#catalog'
import { type AlertDrillReport, drillAlerts } from '#ops/drills/alert-drill.ts'
import { OpsError } from '#ops/ops-error.ts'
import { takenPorts } from '#ops/process/listening-ports.ts'
import { startPager } from '../doubles/pager.ts'
import { drillScope } from './drill-scope.ts'
import type { GateContext } from '../runners/gate-context.ts'

/** Drills the alerts beside the run's own stack: short intervals, a stack and a watch of its own, a receiver that keeps. */
export async function drillBeside(context: GateContext, onStanding: () => void): Promise<AlertDrillReport> {
  const { host, signal, profile, progress } = context
  const pager = await startPager({ port: 0, nowMs: () => host.clock.monotonicMs() })
  const drill = (portBase: number) =>
    drillAlerts({
      repo: host.repository,
      home: join(context.home, 'drill'),
      portBase,
      host,
      pager,
      signal,
      scope: drillScope(profile),
      onStanding,
      say: (line) => progress.at(`observability: ${line}`),
    })
  try {
    const first = freePortBase(context.portBase)
    // A port that was free may be taken a moment later; the next set is as good.
    return await drill(first).catch((error: unknown) => {
      if (signal.aborted || !isPortTaken(error)) throw error
      return drill(freePortBase(first))
    })
  } finally {
    await pager.stop()
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof OpsError && /is (?:taken|held)/.test(error.message)
}

/** Distance between two sets of ports that never share one. */
const STEP = 200
const TRIES = 50

function freePortBase(beside: number): number {
  const ports = [...Object.values(CATALOG).map(({ port }) => port), ...Object.values(WATCH_PORTS)]
  for (let step = 1; step <= TRIES; step += 1) {
    const base = beside + step * STEP
    if (takenPorts(ports.map((port) => portAt(port, base))).length === 0) return base
  }
  throw new Error(`no free set of ports above ${beside}`)
}
