import type { CallContext } from '#chassis/call-context.ts'
import { ServiceError } from '#chassis/errors.ts'
import type { DatabaseSettings } from './database/open-database.ts'
import type { PackedTimings } from './database/timings.ts'
import type { ReadKind, ReadOperation, ReadReply, ReadResults } from './reading/read-job.ts'
import { createReaderPool } from './reading/reader-pool.ts'
import { createWorkerHandle } from './threads/worker-handle.ts'
import { GroupCommit } from './writing/group-commit.ts'
import type { WriteJob, WriteKind, WriteOperation, WriteReply, WriteResults } from './writing/write-job.ts'

/** The memories, from the main thread: one thread writes, several read, none of them blocks this one. */
export interface MemoryStore {
  readonly write: <K extends WriteKind>(
    operation: Extract<WriteOperation, { kind: K }>,
    call: CallContext,
  ) => Promise<WriteResults[K]>
  readonly read: <K extends ReadKind>(
    operation: Extract<ReadOperation, { kind: K }>,
    call: CallContext,
  ) => Promise<ReadResults[K]>
  /** Resolves when the database is open and migrated, or says why it is not. */
  readonly check: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface MemoryStoreSettings {
  readonly database: DatabaseSettings
  readonly readers: number
  /** How long a reader beyond the first waits for a read before its thread ends; a minute unless a test says less. */
  readonly readerIdleMs?: number
  readonly onTimings: (timings: PackedTimings, call: CallContext | undefined) => void
  readonly onItems: (items: number) => void
  readonly onCrash: (thread: 'writer' | 'reader', error: Error) => void
}

/** Together under the bound that the chassis sets for one step of a stop. */
const WRITER_STOP_MS = 400
const READER_STOP_MS = 100
const READER_IDLE_MS = 60_000

export function createMemoryStore(settings: MemoryStoreSettings): MemoryStore {
  const data = { settings: settings.database }
  const writer = createWorkerHandle<WriteJob, WriteReply>({
    script: new URL('writing/writer-worker.ts', import.meta.url),
    data,
    onCrash: (error) => settings.onCrash('writer', error),
  })
  const readers = Array.from({ length: settings.readers }, (_, number) =>
    createWorkerHandle<ReadOperation, ReadReply>({
      script: new URL('reading/reader-worker.ts', import.meta.url),
      data,
      onCrash: (error) => settings.onCrash('reader', error),
      // The last one is asked first, and stays: it holds what makes a search fast.
      ...(number === settings.readers - 1 ? {} : { idleMs: settings.readerIdleMs ?? READER_IDLE_MS }),
    }),
  )
  const commits = new GroupCommit({ send: writer.send, onReply: (reply) => settings.onItems(reply.items) })
  const pool = createReaderPool(readers)
  let stopping = false

  const assertOpen = () => {
    if (stopping) throw new ServiceError('UNAVAILABLE', 'The memory engine is stopping')
  }

  return {
    async write(operation, call) {
      assertOpen()
      const { value, timings } = await commits.write(operation, call)
      settings.onTimings(timings, call)
      return value
    },
    async read(operation, call) {
      assertOpen()
      const { value, timings } = await pool.read(operation, call.signal)
      settings.onTimings(timings, call)
      return value
    },
    async check() {
      assertOpen()
      await commits.check()
    },
    async stop() {
      stopping = true
      await commits.settled()
      await Promise.all(readers.map((reader) => reader.stop(READER_STOP_MS)))
      await writer.stop(WRITER_STOP_MS)
    },
  }
}
