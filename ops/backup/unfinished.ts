import { createHash } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { compactTime } from '../compact-time.ts'
import { readBootId } from '../process/identity.ts'
import { readProcFile, readProcStat } from '../process/proc-stat.ts'
import type { FileSystem } from './file-system.ts'
import { PARTIAL_SUFFIX } from './folders.ts'

/** Who makes something unfinished. It stands in the name, so that whoever finds it can tell whether it still grows. */
export interface Maker {
  /** Machine and process namespace: a pid means nothing in another one. */
  readonly place: string
  readonly boot: string
  readonly pid: number
  readonly startTicks: number
}

export function thisProcess(): Maker {
  const machine = readProcFile('/etc/machine-id') ?? ''
  return {
    place: shortDigest(`${hostname()}\n${machine}\n${readlinkSync('/proc/self/ns/pid')}`),
    boot: shortDigest(readBootId()),
    pid: process.pid,
    startTicks: readProcStat(process.pid)?.startTicks ?? 0,
  }
}

function shortDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

/** `<name>.20261124T190807Z-<place>-<boot>-<pid>-<start>.partial` */
export function unfinishedName(name: string, nowMs: number, maker: Maker = thisProcess()): string {
  const { place, boot, pid, startTicks } = maker
  return `${name}.${[compactTime(nowMs), place, boot, pid, startTicks].join('-')}${PARTIAL_SUFFIX}`
}

const MARK = /\.(\d{8}T\d{6}Z)-([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-(\d+)\.partial$/
/** As versions named it that did not write who made it. */
const WITHOUT_MARK = /^(\d{8}T\d{6}Z)-[0-9a-f]{8}\.partial$/

/** What somebody out of sight makes is taken for abandoned after this: a backup takes half a minute per GiB. */
const UNSEEN_MS = 24 * 3_600_000

/** Whether the process that made it has ended. One on another machine, or in another container, is given a day. */
export function isAbandoned(name: string, nowMs: number, here: Maker = thisProcess()): boolean {
  const [, madeAt, place, boot, pid, startTicks] = MARK.exec(name) ?? WITHOUT_MARK.exec(name) ?? []
  if (madeAt === undefined) return false
  if (place !== here.place) return madeAt < compactTime(Math.max(0, nowMs - UNSEEN_MS))
  if (boot !== here.boot) return true
  const found = readProcStat(Number(pid))
  return found?.startTicks !== Number(startTicks) || ['Z', 'X'].includes(found.state)
}

/** Removes what processes that have ended left unfinished in a folder; never what a living one makes. */
export function removeAbandoned(folder: string, files: FileSystem, nowMs: number): void {
  if (files.kindOf(folder) !== 'folder') return
  const here = thisProcess()
  for (const name of files.list(folder)) {
    if (isAbandoned(name, nowMs, here)) files.remove(join(folder, name))
  }
}
