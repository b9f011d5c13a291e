import type { OpsClock } from './host.ts'
import { OPS_EXIT, OpsError } from './ops-error.ts'
import { isAlive, type ProcessIdentity, readIdentity, signalIdentity } from './process/identity.ts'
import { listProcesses, readEnvironment } from './process/process-table.ts'
import { census, RUN_MARKER, WATCH_MARKER } from './process/run-processes.ts'
import { type ProcessRecords, readProcessRecords, removeProcessRecords } from './process-records.ts'
import type { StateHome } from './state-home.ts'
import { waitUntil } from './wait-until.ts'

const ROLES = ['stack', 'watch'] as const
const GRACE_MS = 5_000
const KILL_WAIT_MS = 2_000
const POLL_MS = 25

/** Two supervisors over one state folder would write the same databases. */
export function refuseOtherOwner(folders: StateHome): void {
  const owner = ROLES.map((role) => readProcessRecords(folders, role)?.owner).find(isOtherOwner)
  if (owner === undefined) return
  throw new OpsError(OPS_EXIT.unavailable, `the state folder ${folders.home} is in use by pid ${owner.pid}`, {
    hint: './sonia down stops a stack that was started by ./sonia up; SONIA_HOME names another state folder',
  })
}

function isOtherOwner(owner: ProcessIdentity | undefined): boolean {
  return owner !== undefined && owner.pid !== process.pid && isAlive(owner)
}

/** Processes of this state folder that nobody supervises any more, found by record and by environment, never by pid alone. */
export function findLeftovers(folders: StateHome): readonly ProcessIdentity[] {
  const records = ROLES.map((role) => readProcessRecords(folders, role)).filter(
    (entry) => entry !== undefined,
  )
  const recorded = records.flatMap((entry) => census(markOf(entry)))
  const marked = listProcesses()
    .filter((entry) => entry.pid !== process.pid && isMarkedFor(folders, entry.pid))
    .flatMap((entry) => readIdentity(entry.pid) ?? [])
  const byKey = new Map([...recorded, ...marked].map((entry) => [`${entry.pid}/${entry.start_ticks}`, entry]))
  return [...byKey.values()].filter(isAlive)
}

function markOf(records: ProcessRecords) {
  return { marker: records.marker, value: records.run_id, leaders: records.processes }
}

function isMarkedFor(folders: StateHome, pid: number): boolean {
  const env = readEnvironment(pid)
  return env.get('SONIA_HOME') === folders.home && (env.has(RUN_MARKER) || env.has(WATCH_MARKER))
}

export interface Removal {
  readonly removed: readonly ProcessIdentity[]
  /** Those that SIGTERM and the grace did not stop. */
  readonly killed: readonly ProcessIdentity[]
}

/** SIGTERM to all leftovers, grace, SIGKILL to the rest. Throws when something cannot be removed. */
export async function removeLeftovers(folders: StateHome, clock: OpsClock): Promise<Removal> {
  const found = findLeftovers(folders)
  for (const entry of found) signalIdentity(entry, 'SIGTERM')
  for (const entry of found) signalIdentity(entry, 'SIGCONT')
  await allGone(found, clock, GRACE_MS)
  const killed = found.filter((entry) => signalIdentity(entry, 'SIGKILL'))
  await allGone(killed, clock, KILL_WAIT_MS)
  const stubborn = [...killed, ...findLeftovers(folders)].filter(isAlive)
  if (stubborn.length > 0) {
    throw new OpsError(OPS_EXIT.internal, `cannot stop ${stubborn.map(describeIdentity).join(', ')}`, {
      hint: 'these processes belong to another user or hang in the kernel',
    })
  }
  for (const role of ROLES) removeProcessRecords(folders, role)
  return { removed: found, killed }
}

async function allGone(
  entries: readonly ProcessIdentity[],
  clock: OpsClock,
  timeoutMs: number,
): Promise<void> {
  await waitUntil(() => (entries.some(isAlive) ? undefined : true), { clock, timeoutMs, intervalMs: POLL_MS })
}

export function describeIdentity(identity: ProcessIdentity): string {
  return `pid ${identity.pid} (${identity.argv.join(' ').slice(0, 120)})`
}
