import { randomBytes } from 'node:crypto'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { DatabaseSettings } from '../database/open-database.ts'
import { runWorkerLoop } from '../threads/worker-loop.ts'
import { makeMemoryId } from '../memory.ts'
import { GroupWriter } from './group-writer.ts'
import type { WriteJob, WriteReply } from './write-job.ts'

const { wake, settings } = workerData as { wake: Int32Array; settings: DatabaseSettings }

const writer = new GroupWriter({
  settings,
  makeId: () => makeMemoryId((bytes) => randomBytes(bytes).toString('hex')),
  monotonicMs: () => performance.now(),
})

/** After a commit of a millisecond the main thread sleeps: its next group comes only once it has woken up. */
const SPIN_MS = 0.25

runWorkerLoop<WriteJob, WriteReply>({
  port: parentPort as MessagePort,
  wake,
  handle: (job) => writer.commit(job),
  afterReply: () => writer.afterReply(),
  idle: () => writer.idle(),
  finish: () => writer.close(),
  spinMs: SPIN_MS,
})
