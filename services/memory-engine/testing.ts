import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { buildForTest, type TestOptions, type TestService } from '#chassis/testing.ts'
import { Reader } from './reading/reader.ts'
import type { ReadKind, ReadOperation, ReadResults, SearchRequest } from './reading/read-job.ts'
import { service } from './service.ts'
import { type Outcome, unwrap } from './threads/outcome.ts'
import { GroupWriter } from './writing/group-writer.ts'
import type { WriteKind, WriteOperation, WriteResults } from './writing/write-job.ts'

/** What any answer of the service may hold; tests look at the part they ask for. */
export interface Answer {
  readonly id: string
  readonly status: string
  readonly type: string
  readonly content: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly session_id: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly results: readonly { readonly id: string; readonly content: string; readonly score: number }[]
  readonly count: number
  readonly mode: string
  readonly items: number
  readonly ids: readonly string[]
  readonly erased: boolean
  readonly imported: number
  readonly already_known: number
  readonly error: {
    readonly code: string
    readonly message: string
    readonly details?: Record<string, unknown>
  }
}

export interface Reply {
  readonly status: number
  readonly body: Answer
  readonly text: string
}

export interface MemoryService extends TestService {
  readonly call: (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    payload?: object | string,
  ) => Promise<Reply>
  readonly send: (url: string, payload: string | Buffer, contentType: string) => Promise<Reply>
  readonly databaseFile: string
}

/** The whole service without a port: real threads, real database in a folder of its own. */
export async function startMemoryEngine(options: TestOptions = {}): Promise<MemoryService> {
  const built = await buildForTest(service, options)
  const headers = await built.headersFrom('api-gateway')
  const reply = (answer: {
    statusCode: number
    payload: string
    headers: Record<string, unknown>
  }): Reply => ({
    status: answer.statusCode,
    text: answer.payload,
    body: String(answer.headers['content-type']).includes('application/json')
      ? (JSON.parse(answer.payload) as Answer)
      : ({} as Answer),
  })
  return Object.assign(built, {
    databaseFile: join(built.home, 'data', 'memory', 'sonia.db'),
    async call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object | string) {
      const json = { ...headers, 'content-type': 'application/json' }
      return reply(
        await built.app.inject(
          payload === undefined ? { method, url, headers } : { method, url, headers: json, payload },
        ),
      )
    },
    async send(url: string, payload: string | Buffer, contentType: string) {
      return reply(
        await built.app.inject({
          method: 'POST',
          url,
          headers: { ...headers, 'content-type': contentType },
          payload,
        }),
      )
    },
  })
}

interface StoreMore {
  readonly type?: string
  readonly session?: string
  readonly atMs?: number
  readonly standIn?: boolean
}

/** Writer and reader of one database in this thread: for what happens inside a transaction. */
export interface TestDatabase {
  readonly file: string
  readonly writer: GroupWriter
  readonly reader: Reader
  readonly write: <K extends WriteKind>(operation: Extract<WriteOperation, { kind: K }>) => WriteResults[K]
  readonly read: <K extends ReadKind>(operation: Extract<ReadOperation, { kind: K }>) => ReadResults[K]
  readonly store: (content: string, more?: StoreMore) => string
  readonly search: (query: string, more?: Partial<SearchRequest>) => string[]
  /** Brings all rows into the full-text index. */
  readonly index: () => void
}

export const NOW_MS = Date.UTC(2026, 10, 24, 12)

export function openTestDatabase(
  t: TestContext,
  settings: { bytesMax?: number; ids?: () => string } = {},
): TestDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'sonia-memory-'))
  const database = { file: join(folder, 'sonia.db'), busyTimeoutMs: 50, bytesMax: settings.bytesMax ?? 0 }
  let nowMs = 0
  let nextId = 1
  const makeId = settings.ids ?? (() => `mem_${(nextId++).toString(16).padStart(12, '0')}`)
  const writer = new GroupWriter({ settings: database, makeId, monotonicMs: () => nowMs })
  const reader = new Reader(database)
  t.after(() => {
    reader.close()
    writer.close()
    rmSync(folder, { recursive: true })
  })
  const write: TestDatabase['write'] = (operation) => {
    const [outcome] = writer.commit([operation]).outcomes
    return unwrap(outcome as Outcome<WriteResults[typeof operation.kind]>)
  }
  const read: TestDatabase['read'] = (operation) =>
    unwrap(reader.read(operation).outcome as Outcome<ReadResults[typeof operation.kind]>)
  return {
    file: database.file,
    writer,
    reader,
    write,
    read,
    store(content, { type = 'turn', session, atMs = NOW_MS, standIn = false } = {}) {
      const draft = {
        type,
        content,
        metadata: standIn ? '{"stand_in":true}' : '{}',
        session_id: session ?? null,
        created_at_ms: atMs,
        updated_at_ms: atMs,
      }
      return write({ kind: 'store', draft }).id
    },
    search(query, more = {}) {
      const request = {
        query,
        limit: 10,
        type: undefined,
        sessionId: undefined,
        nowMs: NOW_MS,
        vector: undefined,
        ...more,
      }
      return read({ kind: 'search', request }).map(({ row }) => row.id)
    },
    index() {
      nowMs += 60_000
      while (writer.idle() === 0);
    },
  }
}
