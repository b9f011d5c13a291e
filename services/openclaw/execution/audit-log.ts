import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'

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

/** An append-only file of JSON lines, each holding the hash of the one before. */
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

/** The hash of a line: SHA-256 over the line's JSON without its own hash. */
export function hashAuditLine(line: Omit<AuditLine, 'hash'>): string {
  return createHash('sha256').update(JSON.stringify(line)).digest('hex')
}

export interface AuditSettings {
  readonly path: string
  readonly nowMs: () => number
}

interface Waiting {
  readonly entry: AuditEntry
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Where the chain stands: the lines kept in memory, oldest first; the last one is the end on disk. */
interface Chain {
  recent: AuditLine[]
  /** A write failed, so what is on disk must be looked at before the next one. */
  isDoubtful: boolean
}

/** Opens the log, continues its chain, and notes where a crash or a full disk left half a line. */
export async function openAuditLog(settings: AuditSettings): Promise<AuditLog> {
  const handle = await open(settings.path, 'a+', 0o600)
  const chain: Chain = { recent: [], isDoubtful: true }
  await settleChain(handle, chain, settings.nowMs)
  let waiting: Waiting[] = []
  let isWriting = false

  const writeWaiting = async () => {
    if (isWriting) return
    isWriting = true
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await writeBatch(handle, chain, { batch, nowMs: settings.nowMs })
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
    close: () => handle.close(),
  }
}

async function writeBatch(
  handle: FileHandle,
  chain: Chain,
  { batch, nowMs }: { readonly batch: readonly Waiting[]; readonly nowMs: () => number },
): Promise<void> {
  try {
    if (chain.isDoubtful) await settleChain(handle, chain, nowMs)
    await appendEntries(handle, chain, { entries: batch.map(({ entry }) => entry), nowMs })
    for (const { resolve } of batch) resolve()
  } catch (error) {
    for (const { reject } of batch) reject(error)
  }
}

/** One write and one fsync for all entries. Only what is on disk counts as the end of the chain. */
async function appendEntries(
  handle: FileHandle,
  chain: Chain,
  { entries, nowMs }: { readonly entries: readonly AuditEntry[]; readonly nowMs: () => number },
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
  await handle.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  await handle.datasync()
  chain.isDoubtful = false
  chain.recent = [...chain.recent, ...lines].slice(-RECENT_LINES_MAX)
}

const TAIL_BYTES = 1024 * 1024

/** Reads the end of the file, and repairs a last line that was cut short by ending it and saying so. */
async function settleChain(handle: FileHandle, chain: Chain, nowMs: () => number): Promise<void> {
  const { lines, rest } = await readTail(handle)
  chain.recent = lines.slice(-RECENT_LINES_MAX)
  if (rest !== '') {
    await handle.appendFile('\n')
    const last = parseAuditLine(rest)
    if (last !== null && isWhole(last)) chain.recent.push(last)
    else await appendEntries(handle, chain, { entries: [CUT_SHORT], nowMs })
  }
  chain.isDoubtful = false
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
