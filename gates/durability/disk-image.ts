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
  const files = new Map<string, Buffer>()
  for (const [file, bytes] of initial) files.set(file, Buffer.from(bytes))
  for (const call of done) {
    if (call.kind === 'sync') continue
    const isSecured = call.endedAt <= (secured.get(call.file) ?? Number.NEGATIVE_INFINITY)
    const kept = isSecured ? call : survivor(call, loss, random)
    if (kept !== null) files.set(call.file, applied(files.get(call.file) ?? Buffer.alloc(0), kept))
  }
  return files
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

function applied(file: Buffer, call: Change): Buffer {
  if (call.kind === 'truncate') return resized(file, call.length)
  const end = call.offset + call.bytes.length
  const grown = file.length < end ? resized(file, end) : file
  call.bytes.copy(grown, call.offset)
  return grown
}

function resized(file: Buffer, length: number): Buffer {
  const other = Buffer.alloc(length)
  file.copy(other, 0, 0, Math.min(length, file.length))
  return other
}
