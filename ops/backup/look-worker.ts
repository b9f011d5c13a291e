import { parentPort, workerData } from 'node:worker_threads'
import { type Look, lookAt } from './look-at-database.ts'

// One look at a database in a thread: {path, look} in, a finding or null out.
const { path, look } = workerData as { readonly path: string; readonly look: Look }
parentPort?.postMessage(lookAt(path, look))
