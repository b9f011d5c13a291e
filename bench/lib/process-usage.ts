import { readFileSync } from 'node:fs'

/** What a process has used so far, from /proc. */
export interface ProcessUsage {
  readonly cpuMs: number
  readonly rssMib: number
  /** Shared pages divided among those who share them; what the process adds to the machine. */
  readonly pssMib: number
}

/** USER_HZ: the kernel reports process times in hundredths of a second on every platform that Node runs on. */
const TICK_MS = 10
const KIB_PER_MIB = 1024

export function usageOf(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // Field 3 follows the last parenthesis: user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    rssMib: kibOf(rollup, 'Rss') / KIB_PER_MIB,
    pssMib: kibOf(rollup, 'Pss') / KIB_PER_MIB,
  }
}

function kibOf(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN)
}
