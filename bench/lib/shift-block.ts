import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Copies a block of Prometheus to another time: the same series, the same values, every timestamp moved. Two days of ten
 * thousand series would be 10 GB of text; moved copies of two hours are the same work for whoever reads them.
 * Formats: tsdb/docs/format/{index,chunks}.md of Prometheus 3; float chunks only.
 */
export async function shiftBlock(from: string, to: string, { ulid, byMs }: BlockShift): Promise<void> {
  await mkdir(join(to, 'chunks'), { recursive: true })
  for (const name of await readdir(join(from, 'chunks'))) {
    const segment = await readFile(join(from, 'chunks', name))
    shiftChunks(segment, byMs)
    await writeFile(join(to, 'chunks', name), segment)
  }
  const index = await readFile(join(from, 'index'))
  shiftIndex(index, byMs)
  await writeFile(join(to, 'index'), index)
  await copyFile(join(from, 'tombstones'), join(to, 'tombstones'))
  const meta = JSON.parse(await readFile(join(from, 'meta.json'), 'utf8')) as BlockMeta
  const moved = { ...meta, ulid, minTime: meta.minTime + byMs, maxTime: meta.maxTime + byMs }
  await writeFile(
    join(to, 'meta.json'),
    JSON.stringify({ ...moved, compaction: { level: 1, sources: [ulid] } }),
  )
}

export interface BlockShift {
  readonly ulid: string
  /** So little that no timestamp needs another number of bytes. */
  readonly byMs: number
}

interface BlockMeta {
  readonly minTime: number
  readonly maxTime: number
}

const SEGMENT_HEADER = 8
const CHECKSUM = 4
const XOR = 1
const SAMPLE_COUNT = 2

/** Each chunk: length, encoding, data, CRC-32C over encoding and data; the data begin with count and first timestamp. */
function shiftChunks(segment: Buffer, byMs: number): void {
  let at = SEGMENT_HEADER
  while (at < segment.length) {
    const { value: length, next } = readUvarint(segment, at)
    if (segment[next] !== XOR) throw new Error('only chunks of floats can be moved')
    shiftVarint(segment, next + 1 + SAMPLE_COUNT, byMs)
    const end = next + 1 + length
    segment.writeUInt32BE(crc32c(segment.subarray(next, end)), end)
    at = end + CHECKSUM
  }
}

const TOC_ENTRIES = 6
const TOC_BYTES = TOC_ENTRIES * 8 + CHECKSUM
const SERIES_ALIGNMENT = 16

/** Each series: length, labels, chunks of which the first has an absolute time and the others differences, CRC-32C. */
function shiftIndex(index: Buffer, byMs: number): void {
  const offsets = Array.from({ length: TOC_ENTRIES }, (_, entry) =>
    Number(index.readBigUInt64BE(index.length - TOC_BYTES + entry * 8)),
  )
  const start = offsets[1] ?? 0
  const end = Math.min(...offsets.filter((offset) => offset > start))
  let at = start
  for (;;) {
    at = Math.ceil(at / SERIES_ALIGNMENT) * SERIES_ALIGNMENT
    if (at >= end) return
    const { value: length, next } = readUvarint(index, at)
    if (length === 0) return
    shiftSeries(index, next, byMs)
    index.writeUInt32BE(crc32c(index.subarray(next, next + length)), next + length)
    at = next + length + CHECKSUM
  }
}

function shiftSeries(index: Buffer, content: number, byMs: number): void {
  let { value: references, next: at } = readUvarint(index, content)
  // A name and a value for each label.
  for (references *= 2; references > 0; references -= 1) at = readUvarint(index, at).next
  const chunks = readUvarint(index, at)
  if (chunks.value > 0) shiftVarint(index, chunks.next, byMs)
}

function readUvarint(bytes: Buffer, from: number): { value: number; next: number } {
  let value = 0
  let scale = 1
  for (let at = from; ; at += 1) {
    const byte = bytes[at] ?? 0
    value += (byte & 0x7f) * scale
    scale *= 128
    if (byte < 0x80) return { value, next: at + 1 }
  }
}

/** Go's varint is the zigzag of a signed number; a time after 1970 is twice itself. */
function shiftVarint(bytes: Buffer, from: number, by: number): void {
  const { value, next } = readUvarint(bytes, from)
  let rest = value + 2 * by
  for (let at = from; at < next; at += 1) {
    const isLast = at === next - 1
    bytes[at] = (rest % 128) + (isLast ? 0 : 128)
    rest = Math.floor(rest / 128)
  }
  if (rest !== 0) throw new Error('the moved time needs more bytes')
}

const CASTAGNOLI = 0x82f63b78
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1
  return crc
})

function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
