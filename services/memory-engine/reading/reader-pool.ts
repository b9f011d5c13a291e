import { ServiceError } from '#chassis/errors.ts'
import type { PackedTimings } from '../database/timings.ts'
import { unwrap } from '../threads/outcome.ts'
import type { WorkerHandle } from '../threads/worker-handle.ts'
import { abortReason } from '../writing/group-commit.ts'
import type { ReadKind, ReadOperation, ReadReply, ReadResults } from './read-job.ts'

const WAITING_READS_MAX = 1000

export interface ReadAnswer<T> {
  readonly value: T
  readonly timings: PackedTimings
}

export interface ReaderPool {
  readonly read: <K extends ReadKind>(
    operation: Extract<ReadOperation, { kind: K }>,
    signal: AbortSignal,
  ) => Promise<ReadAnswer<ReadResults[K]>>
}

type Reader = WorkerHandle<ReadOperation, ReadReply>

interface Waiting {
  readonly operation: ReadOperation
  readonly signal: AbortSignal
  readonly resolve: (answer: ReadAnswer<ReadResults[ReadKind]>) => void
  readonly reject: (error: unknown) => void
}

/** Hands each read to a free thread, first come first served; those whose caller left are dropped unread. */
export function createReaderPool(readers: readonly Reader[]): ReaderPool {
  const free = [...readers]
  const waiting: Waiting[] = []

  function dispatch(): void {
    for (;;) {
      const next = waiting[0]
      if (next === undefined) return
      if (next.signal.aborted) {
        waiting.shift()
        next.reject(abortReason(next.signal))
        continue
      }
      const reader = free.pop()
      if (reader === undefined) return
      waiting.shift()
      void serve(reader, next)
    }
  }

  async function serve(reader: Reader, { operation, resolve, reject }: Waiting): Promise<void> {
    try {
      const reply = await reader.send(operation)
      resolve({ value: unwrap(reply.outcome), timings: reply.timings })
    } catch (error) {
      reject(error)
    } finally {
      free.push(reader)
      dispatch()
    }
  }

  return {
    read(operation, signal) {
      if (waiting.length >= WAITING_READS_MAX) {
        return Promise.reject(
          new ServiceError('UNAVAILABLE', 'Too many reads are waiting', { retryAfterSeconds: 1 }),
        )
      }
      return new Promise((resolve, reject) => {
        waiting.push({ operation, signal, resolve: resolve as Waiting['resolve'], reject })
        dispatch()
      })
    },
  }
}
