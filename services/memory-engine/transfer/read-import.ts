import { Readable } from 'node:stream'
import { isDeepStrictEqual, TextDecoder } from 'node:util'
import { type Static, Type } from 'typebox'
import { Check } from 'typebox/value'
import { ServiceError } from '#chassis/errors.ts'
import {
  assertStorable,
  ID_PATTERN,
  type MemoryDraft,
  metadataText,
  SESSION_PATTERN,
  TYPE_PATTERN,
} from '../memory.ts'

/** One line as an export wrote it; only type and content are needed. */
const ImportLine = Type.Object(
  {
    type: Type.String({ pattern: TYPE_PATTERN }),
    content: Type.String({ minLength: 1 }),
    id: Type.Optional(Type.String({ pattern: ID_PATTERN })),
    metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    session_id: Type.Optional(Type.Union([Type.String({ pattern: SESSION_PATTERN }), Type.Null()])),
    created_at: Type.Optional(Type.String()),
    updated_at: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

export interface ImportSettings {
  readonly bytesMax: number
  readonly nowMs: number
  readonly makeId: () => string
}

/** More than the longest memory takes with every character as a JSON escape: what is longer is none. */
const LINE_CHARS_MAX = 2 << 20

/** All memories of a body of JSON lines; the first bad line refuses the whole. */
export async function readImport(body: unknown, settings: ImportSettings): Promise<MemoryDraft[]> {
  if (!(body instanceof Readable)) {
    throw new ServiceError('INVALID_ARGUMENT', 'Send JSON lines as application/x-ndjson')
  }
  const drafts = new Map<string, MemoryDraft>()
  const again: MemoryDraft[] = []
  let line = 0
  for await (const text of readLines(body, settings.bytesMax)) {
    line++
    if (text.length > LINE_CHARS_MAX) throw tooLong(line)
    if (text.trim() === '') continue
    const draft = readDraft(text, line, settings)
    const before = drafts.get(draft.id)
    if (before === undefined) drafts.set(draft.id, draft)
    else again.push(sameAs(before, draft, line))
  }
  return [...drafts.values(), ...again]
}

/** Of two that differ one would be lost, and counted as known. */
function sameAs(before: MemoryDraft, draft: MemoryDraft, line: number): MemoryDraft {
  if (isDeepStrictEqual(before, draft)) return draft
  const message = `Line ${line}: ${draft.id} stands in an earlier line with something else`
  throw new ServiceError('INVALID_ARGUMENT', message, { details: { line } })
}

/** Line by line; what is longer than any may be is handed out before its end. */
async function* readLines(body: Readable, bytesMax: number): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let pieces: string[] = []
  let chars = 0
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) throw new ServiceError('TOO_LARGE', `More than ${bytesMax} bytes to import at once`)
    const [end = '', ...lines] = decode(decoder, chunk).split('\n')
    pieces.push(end)
    chars += end.length
    if (lines.length === 0 && chars <= LINE_CHARS_MAX) continue
    const begun = lines.pop() ?? ''
    yield pieces.join('')
    yield* lines
    pieces = [begun]
    chars = begun.length
  }
  yield pieces.join('') + decode(decoder)
}

function tooLong(line: number): ServiceError {
  const message = `Line ${line}: longer than ${LINE_CHARS_MAX} characters, which no memory is`
  return new ServiceError('TOO_LARGE', message, { details: { line } })
}

function decode(decoder: TextDecoder, chunk?: Buffer): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
  } catch (error) {
    throw new ServiceError('INVALID_ARGUMENT', 'The body is not valid UTF-8', { cause: error })
  }
}

function readDraft(text: string, line: number, settings: ImportSettings): MemoryDraft {
  try {
    return toDraft(parse(text), settings)
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    throw new ServiceError(error.code, `Line ${line}: ${error.message}`, { cause: error, details: { line } })
  }
}

function parse(text: string): Static<typeof ImportLine> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ServiceError('INVALID_ARGUMENT', 'not JSON', { cause: error })
  }
  if (!Check(ImportLine, value)) throw new ServiceError('INVALID_ARGUMENT', 'not a memory')
  return value
}

function toDraft(value: Static<typeof ImportLine>, { nowMs, makeId }: ImportSettings): MemoryDraft {
  assertStorable(value.content)
  const created_at_ms = timeOf(value.created_at, nowMs)
  return {
    id: value.id ?? makeId(),
    type: value.type,
    content: value.content,
    metadata: metadataText(value.metadata ?? {}),
    session_id: value.session_id ?? null,
    created_at_ms,
    updated_at_ms: Math.max(created_at_ms, timeOf(value.updated_at, created_at_ms)),
  }
}

function timeOf(text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const atMs = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(atMs)) throw new ServiceError('INVALID_ARGUMENT', 'not an ISO 8601 time')
  return atMs
}
