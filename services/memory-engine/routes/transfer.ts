import { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { CallContext } from '#chassis/call-context.ts'
import type { Clock } from '#chassis/clock.ts'
import type { SoniaApp } from '#chassis/define-service.ts'
import { type MemoryRow, toMemory } from '../memory.ts'
import type { MemoryStore } from '../memory-store.ts'
import { readImport } from '../transfer/read-import.ts'

export interface TransferRouteParts {
  readonly app: SoniaApp
  readonly store: MemoryStore
  readonly clock: Clock
  readonly makeId: () => string
  readonly importBytesMax: number
  /** Told the lowest seq of what was imported. */
  readonly onNewContent: (firstSeq: number) => void
}

const JSON_LINES = 'application/x-ndjson'
const PAGE_ROWS = 500
const TRANSFER_TIMEOUT_MS = 600_000

/** GET /export and POST /import: one memory a line, oldest first. */
export function addTransferRoutes(parts: TransferRouteParts): void {
  addExport(parts)
  addImport(parts)
}

function addExport({ app, store }: TransferRouteParts): void {
  const config = { timeoutMs: TRANSFER_TIMEOUT_MS, priority: 'background' as const }
  app.get('/export', { config }, async ({ call }, reply) => {
    // The first page is read before anything is sent: until then an error can still be answered as one.
    const first = await store.read({ kind: 'export', afterSeq: 0, limit: PAGE_ROWS }, call)
    reply.type(`${JSON_LINES}; charset=utf-8`)
    return Readable.from(exportLines(first, store, call), { objectMode: false })
  })
}

/** Pages follow each other without a snapshot: a long one would keep the log from being cut after a forget. */
async function* exportLines(
  first: readonly MemoryRow[],
  store: MemoryStore,
  call: CallContext,
): AsyncGenerator<string> {
  let page = first
  while (page.length > 0) {
    yield page.map((row) => `${JSON.stringify(toMemory(row))}\n`).join('')
    const afterSeq = page.at(-1)?.seq ?? Number.MAX_SAFE_INTEGER
    page = await store.read({ kind: 'export', afterSeq, limit: PAGE_ROWS }, call)
  }
}

function addImport({ app, store, clock, makeId, importBytesMax, onNewContent }: TransferRouteParts): void {
  app.addContentTypeParser([JSON_LINES, 'application/jsonl'], (_request, payload, done) =>
    done(null, payload),
  )
  const schema = {
    response: {
      200: Type.Object({
        status: Type.Literal('imported'),
        imported: Type.Integer(),
        already_known: Type.Integer(),
      }),
    },
  }
  const config = { timeoutMs: TRANSFER_TIMEOUT_MS, priority: 'background' as const }
  app.post('/import', { schema, config, bodyLimit: importBytesMax }, async ({ body, call }) => {
    const drafts = await readImport(body, { bytesMax: importBytesMax, nowMs: clock.nowMs(), makeId })
    const { imported, known, firstSeq } = await store.write({ kind: 'import', drafts }, call)
    if (firstSeq !== null) onNewContent(firstSeq)
    return { status: 'imported' as const, imported, already_known: known }
  })
}
