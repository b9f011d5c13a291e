import { Worker } from 'node:worker_threads'
import { BackupError } from './backup-error.ts'
import { type Finding, type Look, LOOKS, lookAt } from './look-at-database.ts'

const HINT = 'take another backup; ./sonia backups lists them'
const ALL_LOOKS = Object.keys(LOOKS) as readonly Look[]
/** From this size on a look takes longer than the start of its thread. */
const THREADS_FROM_BYTES = 16 << 20

export interface CheckedDatabase {
  readonly path: string
  /** What it is called in the message. */
  readonly on: string
  readonly bytes: number
  readonly threadsFromBytes?: number
}

/**
 * Throws unless the file is a whole database: pages, foreign keys, and each full-text index against its table.
 * Each look reads the whole file, so that in a large one each has a thread of its own.
 */
export async function checkDatabase(database: CheckedDatabase): Promise<void> {
  const { path, on, bytes, threadsFromBytes = THREADS_FROM_BYTES } = database
  const look = bytes < threadsFromBytes ? async (name: Look) => lookAt(path, name) : inThread(path)
  const ends = await Promise.allSettled(ALL_LOOKS.map(look))
  for (const end of ends) {
    if (end.status === 'rejected') throw end.reason
    if (end.value === null) continue
    const { code, what } = end.value
    throw new BackupError(code, `${on}: ${what}`, { hint: HINT })
  }
}

function inThread(path: string): (look: Look) => Promise<Finding | null> {
  return (look) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('look-worker.ts', import.meta.url), { workerData: { path, look } })
      worker.once('message', resolve)
      worker.once('error', reject)
      // After a message this changes nothing.
      worker.once('exit', (exitCode) => reject(new Error(`the look at ${path} ended with ${exitCode}`)))
    })
}
