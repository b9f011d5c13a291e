import { mulberry32 } from '../statistics/reference-series.ts'
import type { FileCall } from './syscall-trace.ts'

/** Files by path, as they would be found after the power came back. */
export type DiskImage = ReadonlyMap<string, Buffer>

export interface PowerLoss {
  /** Seconds since the epoch at which the power goes. */
  readonly at: number
  /** Which of the writes that no sync had secured reached the disk all the same. */
  readonly seed: number
  /** `none`: not one of them. `some`: a seeded half, in any order of files. `torn`: and some of those only in part. */
  readonly unsynced: 'none' | 'some' | 'torn'
  /** Negative control: a disk, or a library, that lies about syncs. */
  readonly ignoreSyncs?: boolean
}

const SECTOR_BYTES = 512

/**
 * What a disk holds after a power loss: everything that was written before the start of a sync that had ended by
 * then, and any part of the rest. POSIX promises no more; writes that were not synced may reach the disk in any order.
 */
export function imageAfter(initial: DiskImage, calls: readonly FileCall[], loss: PowerLoss): DiskImage {
  const done = calls.filter(({ endedAt }) => endedAt <= loss.at)
  const secured = loss.ignoreSyncs === true ? new Map<string, number>() : securedUntil(done)
  const random = mulberry32(loss.seed)
  const files = new Map<string, FileOnDisk>()
  for (const [file, bytes] of initial) files.set(file, { room: Buffer.from(bytes), length: bytes.length })
  for (const call of done) {
    if (call.kind === 'sync') continue
    const isSecured = call.endedAt <= (secured.get(call.file) ?? Number.NEGATIVE_INFINITY)
    const kept = isSecured ? call : survivor(call, loss, random)
    if (kept === null) continue
    const file = files.get(call.file) ?? { room: Buffer.alloc(0), length: 0 }
    files.set(call.file, file)
    apply(file, kept)
  }
  return new Map([...files].map(([file, { room, length }]) => [file, room.subarray(0, length)]))
}

/** Per file: writes that ended by this time are on the disk. A sync covers what ended before it began. */
function securedUntil(calls: readonly FileCall[]): ReadonlyMap<string, number> {
  const secured = new Map<string, number>()
  for (const call of calls) {
    if (call.kind === 'sync') secured.set(call.file, Math.max(call.startedAt, secured.get(call.file) ?? 0))
  }
  return secured
}

type Change = Exclude<FileCall, { kind: 'sync' }>

function survivor(call: Change, { unsynced }: PowerLoss, random: () => number): Change | null {
  if (unsynced === 'none' || random() < 0.5) return null
  if (unsynced === 'some' || call.kind === 'truncate') return call
  const sectors = Math.ceil(call.bytes.length / SECTOR_BYTES)
  const reached = Math.floor(random() * sectors) * SECTOR_BYTES
  return reached === 0 ? null : { ...call, bytes: call.bytes.subarray(0, reached) }
}

/** Room grows by doubling: a log is appended to thousands of times. What is beyond the length is zero. */
interface FileOnDisk {
  room: Buffer
  length: number
}

function apply(file: FileOnDisk, call: Change): void {
  if (call.kind === 'truncate') {
    if (call.length < file.length) file.room.fill(0, call.length, file.length)
    makeRoom(file, call.length)
    file.length = call.length
    return
  }
  const end = call.offset + call.bytes.length
  makeRoom(file, end)
  call.bytes.copy(file.room, call.offset)
  file.length = Math.max(file.length, end)
}

function makeRoom(file: FileOnDisk, length: number): void {
  if (length <= file.room.length) return
  const larger = Buffer.alloc(2 * length)
  file.room.copy(larger, 0, 0, file.length)
  file.room = larger
}
