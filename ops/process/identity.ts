import { readArguments } from './process-table.ts'
import { readProcFile, readProcStat } from './proc-stat.ts'

/** Names one process for good: a pid alone is reused, pid with start time and boot is not. */
export interface ProcessIdentity {
  readonly pid: number
  readonly start_ticks: number
  readonly boot_id: string
  readonly argv: readonly string[]
}

export function readIdentity(pid: number): ProcessIdentity | undefined {
  const stat = readProcStat(pid)
  if (stat === undefined) return undefined
  return { pid, start_ticks: stat.startTicks, boot_id: readBootId(), argv: readArguments(pid) }
}

export function readBootId(): string {
  return (readProcFile('/proc/sys/kernel/random/boot_id') ?? '').trim()
}

/** True while that very process exists and is not a zombie; a stranger under its pid does not count. */
export function isAlive(identity: ProcessIdentity): boolean {
  const state = stateOf(identity)
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** True while that very process waits to be reaped. */
export function isZombie(identity: ProcessIdentity): boolean {
  return stateOf(identity) === 'Z'
}

function stateOf(identity: ProcessIdentity): string | undefined {
  if (identity.boot_id !== readBootId()) return undefined
  const stat = readProcStat(identity.pid)
  return stat?.startTicks === identity.start_ticks ? stat.state : undefined
}

/** Signals that very process; false when it is gone. A stranger under its pid is never hit. */
export function signalIdentity(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false
  try {
    return process.kill(identity.pid, signal)
  } catch {
    return false
  }
}
