import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { CLOSED_PARTS_MAX, closedParts, exchangePart, openPart } from './audit-parts.ts'

export interface AuditEntry {
  readonly phase: 'before' | 'after' | 'refused' | 'recovered'
  readonly execution_id: string
  readonly [field: string]: unknown
}

export interface AuditLine extends AuditEntry {
  readonly seq: number
  readonly at: string
  readonly prev: string
  readonly hash: string
}

/** Append-only JSON lines, each holding the hash of the one before; the chain goes on from file to file. */
export interface AuditLog {
  /** Resolves once the line is on disk; many waiting lines share one fsync. */
  readonly append: (entry: AuditEntry) => Promise<void>
  /** The newest lines, newest last. */
  readonly recent: (limit: number) => readonly AuditLine[]
  readonly close: () => Promise<void>
}

export const AUDIT_GENESIS = '0'.repeat(64)
export const RECENT_LINES_MAX = 1_000
const PENDING_LINES_MAX = 10_000
/** 128 MiB in all: two days of the soak's load, and a bound for ever. */
const PART_BYTES_MAX = 16 * 1024 * 1024

/** The hash of a line: SHA-256 over the line's JSON without its own hash. */
export function hashAuditLine(line: Omit<AuditLine, 'hash'>): string {
  return createHash('sha256').update(JSON.stringify(line)).digest('hex')
}

export interface AuditSettings {
  readonly path: string
  readonly nowMs: () => number
  /** Size at which a file is closed, and how many closed ones are kept. */
  readonly bytesMax?: number
  readonly closedMax?: number
}

interface Waiting {
  readonly entry: AuditEntry
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Where the chain stands: the lines kept in memory, oldest first; the last one is the end on disk. */
interface Chain {
  handle: FileHandle
  /** Size of the file that is written. */
  bytes: number
  recent: AuditLine[]
  /** A write failed, so what is on disk must be looked at before the next one. */
  isDoubtful: boolean
}

/** Opens the log, continues its chain, and notes where a crash or a full disk left half a line. */
export async function openAuditLog(settings: AuditSettings): Promise<AuditLog> {
  const handle = await openPart(settings.path)
  const chain: Chain = { handle, bytes: 0, recent: [], isDoubtful: true }
  await settleChain(chain, settings).catch(async (error: unknown) => {
    await handle.close()
    throw error
  })
  let waiting: Waiting[] = []
  let isWriting = false

  const writeWaiting = async () => {
    if (isWriting) return
    isWriting = true
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await writeBatch(chain, settings, batch)
    }
    isWriting = false
  }
  return {
    append: (entry) => {
      if (waiting.length >= PENDING_LINES_MAX)
        return Promise.reject(new Error('The audit log cannot keep up'))
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      waiting.push({ entry, resolve, reject })
      void writeWaiting()
      return promise
    },
    recent: (limit) => chain.recent.slice(-limit),
    close: () => chain.handle.close(),
  }
}

async function writeBatch(chain: Chain, settings: AuditSettings, batch: readonly Waiting[]): Promise<void> {
  try {
    if (chain.isDoubtful) await settleChain(chain, settings)
    if (chain.bytes >= (settings.bytesMax ?? PART_BYTES_MAX)) await beginNextPart(chain, settings)
    await appendEntries(
      chain,
      batch.map(({ entry }) => entry),
      settings.nowMs,
    )
    for (const { resolve } of batch) resolve()
  } catch (error) {
    for (const { reject } of batch) reject(error)
  }
}

async function beginNextPart(
  chain: Chain,
  { path, closedMax = CLOSED_PARTS_MAX }: AuditSettings,
): Promise<void> {
  const lastSeq = chain.recent.at(-1)?.seq ?? 0
  const next = await exchangePart(path, { lastSeq, closedMax })
  await chain.handle.close()
  chain.handle = next
  chain.bytes = 0
}

/** One write and one fsync for all entries. Only what is on disk counts as the end of the chain. */
async function appendEntries(
  chain: Chain,
  entries: readonly AuditEntry[],
  nowMs: () => number,
): Promise<void> {
  const lines: AuditLine[] = []
  for (const entry of entries) {
    const last = lines.at(-1) ?? chain.recent.at(-1)
    const link = {
      seq: (last?.seq ?? 0) + 1,
      at: new Date(nowMs()).toISOString(),
      prev: last?.hash ?? AUDIT_GENESIS,
    }
    const body = { ...link, ...entry }
    lines.push({ ...body, hash: hashAuditLine(body) })
  }
  chain.isDoubtful = true
  const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  await chain.handle.appendFile(bytes)
  await chain.handle.datasync()
  chain.isDoubtful = false
  chain.bytes += bytes.length
  chain.recent = [...chain.recent, ...lines].slice(-RECENT_LINES_MAX)
}

const TAIL_BYTES = 1024 * 1024

/**
 * Reads the end of the file, and repairs a last line that was cut short by ending it and saying so. A file without a
 * line goes on where the one before ended.
 */
async function settleChain(chain: Chain, { path, nowMs }: AuditSettings): Promise<void> {
  const { lines, rest } = await readTail(chain.handle)
  const before = lines.length > 0 ? [] : await linesOfLastClosed(path)
  chain.recent = [...before, ...lines].slice(-RECENT_LINES_MAX)
  chain.bytes = (await chain.handle.stat()).size
  if (rest !== '') {
    await chain.handle.appendFile('\n')
    const last = parseAuditLine(rest)
    if (last !== null && isWhole(last)) chain.recent.push(last)
    else await appendEntries(chain, [CUT_SHORT], nowMs)
  }
  chain.isDoubtful = false
}

async function linesOfLastClosed(path: string): Promise<readonly AuditLine[]> {
  const last = (await closedParts(path)).at(-1)
  if (last === undefined) return []
  const handle = await open(last, 'r')
  try {
    const { lines } = await readTail(handle)
    return lines
  } finally {
    await handle.close()
  }
}

const CUT_SHORT: AuditEntry = {
  phase: 'recovered',
  execution_id: 'none',
  note: 'the line before was cut short',
}

function isWhole({ hash, ...body }: AuditLine): boolean {
  return hashAuditLine(body) === hash
}

async function readTail(handle: FileHandle): Promise<{ lines: AuditLine[]; rest: string }> {
  const { size } = await handle.stat()
  const length = Math.min(size, TAIL_BYTES)
  if (length === 0) return { lines: [], rest: '' }
  const { buffer } = await handle.read({ buffer: Buffer.alloc(length), position: size - length })
  const texts = buffer.toString().split('\n')
  // Of a long file the tail begins in the middle of a line.
  if (size > length) texts.shift()
  const rest = texts.pop() ?? ''
  return { lines: texts.map(parseAuditLine).filter((line) => line !== null), rest }
}

export function parseAuditLine(text: string): AuditLine | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'hash' in value && 'seq' in value
      ? (value as AuditLine)
      : null
  } catch {
    return null
  }
}
