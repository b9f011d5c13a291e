import { readdirSync } from 'node:fs'
import { type ProcStat, readProcFile, readProcStat } from './proc-stat.ts'

/** Every process that can be seen, zombies too. */
export function listProcesses(): readonly ProcStat[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map((pid) => readProcStat(Number(pid))).filter((stat) => stat !== undefined)
}

/** Environment a process was started with; empty for zombies and for other people's processes. */
export function readEnvironment(pid: number): ReadonlyMap<string, string> {
  const text = readProcFile(`/proc/${pid}/environ`) ?? ''
  const pairs = text.split('\0').filter((line) => line.includes('='))
  return new Map(pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

/** Command line as the kernel holds it now. */
export function readArguments(pid: number): readonly string[] {
  const text = readProcFile(`/proc/${pid}/cmdline`) ?? ''
  return text === '' ? [] : text.replace(/\0$/, '').split('\0')
}

/** All processes below the given ones, whatever group or session they moved to. */
export function descendantsOf(roots: ReadonlySet<number>, table: readonly ProcStat[]): readonly ProcStat[] {
  const family = new Set(roots)
  let grown = true
  while (grown) {
    const found = table.filter((process) => family.has(process.parentPid) && !family.has(process.pid))
    for (const process of found) family.add(process.pid)
    grown = found.length > 0
  }
  return table.filter((process) => family.has(process.pid) && !roots.has(process.pid))
}
