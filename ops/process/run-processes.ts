import type { ProcStat } from './proc-stat.ts'
import type { ProcessIdentity } from './identity.ts'
import { isAlive, isZombie, readBootId } from './identity.ts'
import { descendantsOf, listProcesses, readArguments, readEnvironment } from './process-table.ts'

/** Environment variable that every process of a run carries and hands down. */
export const RUN_MARKER = 'SONIA_RUN'
/** The same for Prometheus, Alertmanager and the Collector, which outlive the stacks they watch. */
export const WATCH_MARKER = 'SONIA_WATCH_RUN'

/** How a process is known to belong to a run. */
export interface RunMark {
  readonly marker: string
  readonly value: string
  /** Leaders that were started; their groups, sessions and descendants belong to the run too. */
  readonly leaders: readonly ProcessIdentity[]
}

/**
 * Everything that belongs to the run now: by environment marker, process group, session and descent.
 * A grandchild that left its group keeps the marker; one that also cleared its environment is still a descendant
 * as long as its parents live, which is why a census is taken before the stop.
 */
export function census(mark: RunMark): readonly ProcessIdentity[] {
  const table = listProcesses().filter((process) => process.state !== 'X')
  const leaders = new Set(mark.leaders.filter(isAlive).map((leader) => leader.pid))
  // A group or session keeps its number in use after its leader ended, so the pid cannot have been reused.
  const groups = new Set(mark.leaders.map((leader) => leader.pid))
  const descendants = new Set(descendantsOf(leaders, table).map((process) => process.pid))
  const belongs = (process: ProcStat) =>
    leaders.has(process.pid) ||
    descendants.has(process.pid) ||
    isInGroupOfRun(process, groups, mark) ||
    readEnvironment(process.pid).get(mark.marker) === mark.value
  return table.filter((process) => process.pid !== globalThis.process.pid && belongs(process)).map(identify)
}

/** Group numbers are reused like pids: a member must have started after the leader it names. */
function isInGroupOfRun(process: ProcStat, groups: ReadonlySet<number>, mark: RunMark): boolean {
  const number = groups.has(process.session) ? process.session : process.group
  const leader = mark.leaders.find((candidate) => candidate.pid === number)
  if (leader === undefined || process.startTicks < leader.start_ticks) return false
  return process.pid !== leader.pid || process.startTicks === leader.start_ticks
}

function identify(stat: ProcStat): ProcessIdentity {
  return { pid: stat.pid, start_ticks: stat.startTicks, boot_id: readBootId(), argv: readArguments(stat.pid) }
}

export interface RunRemains {
  readonly alive: readonly ProcessIdentity[]
  readonly zombies: readonly ProcessIdentity[]
}

/** What is left of a run after its stop: those found now, and those of an earlier census that still exist. */
export function remainsOf(mark: RunMark, before: readonly ProcessIdentity[]): RunRemains {
  const known = new Map([...before, ...census(mark)].map((identity) => [identityKey(identity), identity]))
  const all = [...known.values()]
  return { alive: all.filter(isAlive), zombies: all.filter(isZombie) }
}

function identityKey(identity: ProcessIdentity): string {
  return `${identity.pid}/${identity.start_ticks}`
}
