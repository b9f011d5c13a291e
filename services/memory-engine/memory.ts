import { ServiceError } from '#chassis/errors.ts'

/** One thing remembered, as it crosses the wire and leaves in an export. */
export interface Memory {
  readonly id: string
  readonly type: string
  readonly content: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly session_id: string | null
  readonly created_at: string
  readonly updated_at: string
}

/** A memory as it stands in the table. */
export interface MemoryRow {
  readonly seq: number
  readonly id: string
  readonly type: string
  readonly content: string
  readonly metadata: string
  readonly session_id: string | null
  readonly created_at_ms: number
  readonly updated_at_ms: number
}

export const MEMORY_COLUMNS = 'seq, id, type, content, metadata, session_id, created_at_ms, updated_at_ms'

/** What can be written: everything but the place in the table. */
export type MemoryDraft = Omit<MemoryRow, 'seq'>

export const ID_PATTERN = '^mem_[0-9a-f]{12}$'
export const TYPE_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$'
export const SESSION_PATTERN = '^[A-Za-z0-9_.:-]{1,128}$'

const CONTENT_CHARS_MAX = 262_144
const METADATA_CHARS_MAX = 16_384

/** 48 random bits; the writer asks again when the table already knows one. */
export function makeMemoryId(randomHex: (bytes: number) => string): string {
  return `mem_${randomHex(6)}`
}

/** Text that would not come back as it went in is refused, never stored altered. */
export function assertStorable(content: string): void {
  if (content.length > CONTENT_CHARS_MAX) {
    throw new ServiceError('TOO_LARGE', `content is longer than ${CONTENT_CHARS_MAX} characters`)
  }
  if (!content.isWellFormed()) {
    throw new ServiceError('INVALID_ARGUMENT', 'content holds a lone surrogate: not valid Unicode')
  }
  if (content.includes('\0')) {
    throw new ServiceError('INVALID_ARGUMENT', 'content holds a NUL character')
  }
}

/** Of a query, to find by or to forget by: a lone surrogate is no part of any word. */
export function assertWellFormed(query: string): void {
  if (!query.isWellFormed()) {
    throw new ServiceError('INVALID_ARGUMENT', 'query holds a lone surrogate: not valid Unicode')
  }
}

/** Metadata as JSON text, bounded; NUL and lone surrogates survive as JSON escapes. */
export function metadataText(metadata: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(metadata)
  if (text.length > METADATA_CHARS_MAX) {
    throw new ServiceError('TOO_LARGE', `metadata is longer than ${METADATA_CHARS_MAX} characters of JSON`)
  }
  return text
}

export function toMemory(row: MemoryRow): Memory {
  return {
    id: row.id,
    type: row.type,
    content: row.content,
    metadata: JSON.parse(row.metadata) as Record<string, unknown>,
    session_id: row.session_id,
    created_at: new Date(row.created_at_ms).toISOString(),
    updated_at: new Date(row.updated_at_ms).toISOString(),
  }
}
