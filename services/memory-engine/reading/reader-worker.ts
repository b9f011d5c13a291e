import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { DatabaseSettings } from '../database/open-database.ts'
import { runWorkerLoop } from '../threads/worker-loop.ts'
import type { ReadOperation, ReadReply } from './read-job.ts'
import { Reader } from './reader.ts'

const { wake, settings } = workerData as { wake: Int32Array; settings: DatabaseSettings }

const reader = new Reader(settings)
const SLEEP_MS = 60_000
const SPIN_MS = 0.05

runWorkerLoop<ReadOperation, ReadReply>({
  port: parentPort as MessagePort,
  wake,
  handle: (operation) => reader.read(operation),
  idle: () => (reader.prepare() ? 0 : SLEEP_MS),
  finish: () => reader.close(),
  spinMs: SPIN_MS,
})
