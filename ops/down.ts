import type { OpsHost } from './host.ts'
import { type Removal, removeLeftovers } from './leftovers.ts'
import type { StateHome } from './state-home.ts'
import { readStopSummary, type StopSummary } from './stop-summary.ts'
import { removeSupervisorRecord, runningSupervisor } from './supervisor-record.ts'
import { stopSupervisor } from './up.ts'

export interface DownOutcome {
  readonly wasRunning: boolean
  /** undefined when nothing was supervised, or the supervisor had to be killed. */
  readonly summary: StopSummary | undefined
  /** What outlived its supervisor and was found by identity. */
  readonly leftovers: Removal
}

/** Stops the supervised stack of a state folder, and whatever an earlier one left behind. */
export async function bringDown(
  folders: StateHome,
  options: { readonly host: OpsHost; readonly interruptedTwice: AbortSignal },
): Promise<DownOutcome> {
  const record = runningSupervisor(folders)
  if (record !== undefined) await stopSupervisor(record.identity, folders, options)
  const leftovers = await removeLeftovers(folders, options.host.clock)
  removeSupervisorRecord(folders)
  const summary = record === undefined ? undefined : readStopSummary(folders, record.run_id)
  return { wasRunning: record !== undefined, summary, leftovers }
}
