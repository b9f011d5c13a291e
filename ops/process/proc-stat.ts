import { readFileSync } from 'node:fs'

/** The fields of /proc/<pid>/stat that tell one process from another. */
export interface ProcStat {
  readonly pid: number
  readonly command: string
  /** "Z" is a zombie: it has ended, and its parent has not asked how. */
  readonly state: string
  readonly parentPid: number
  readonly group: number
  readonly session: number
  /** Field 22: start of the process in clock ticks since boot. With the boot id it never repeats. */
  readonly startTicks: number
}

/** The command may itself hold spaces and brackets, so everything is counted from the last ')'. */
export function parseProcStat(text: string): ProcStat | undefined {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return undefined
  const fields = text
    .slice(close + 1)
    .trim()
    .split(/\s+/)
  const numbers = [1, 2, 3, 19].map((index) => Number(fields[index]))
  const [parentPid = NaN, group = NaN, session = NaN, startTicks = NaN] = numbers
  const pid = Number(text.slice(0, open))
  if (![pid, parentPid, group, session, startTicks].every(Number.isSafeInteger)) return undefined
  return {
    pid,
    command: text.slice(open + 1, close),
    state: fields[0] ?? '',
    parentPid,
    group,
    session,
    startTicks,
  }
}

/** undefined when the process is gone, which may happen between any two reads. */
export function readProcStat(pid: number): ProcStat | undefined {
  const text = readProcFile(`/proc/${pid}/stat`)
  return text === undefined ? undefined : parseProcStat(text)
}

/** A file below /proc as text; undefined when it is gone or belongs to somebody else. */
export function readProcFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
