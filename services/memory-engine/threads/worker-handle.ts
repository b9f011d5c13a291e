import { Worker } from 'node:worker_threads'
import { ServiceError } from '#chassis/errors.ts'
import type { Envelope } from './worker-loop.ts'

export interface WorkerHandle<Job, Reply> {
  /** One job at a time is handed over by the callers' queues; several are answered in order. */
  readonly send: (job: Job) => Promise<Reply>
  /** Lets the worker finish, then ends it; never longer than `timeoutMs`. */
  readonly stop: (timeoutMs: number) => Promise<void>
}

export interface WorkerSettings {
  readonly script: URL
  readonly data: Readonly<Record<string, unknown>>
  /** Told when a worker died; it is started again with the next job. */
  readonly onCrash: (error: Error) => void
  /** Unused so long it ends, and gives back its memory, until the next job; absent = it stays. */
  readonly idleMs?: number
}

interface Waiting<Reply> {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

interface Running<Reply> {
  readonly worker: Worker
  readonly wake: Int32Array
  readonly waiting: Map<number, Waiting<Reply>>
  readonly exited: Promise<void>
}

/** A worker thread that is started when needed and started again after a crash. */
export function createWorkerHandle<Job, Reply>(settings: WorkerSettings): WorkerHandle<Job, Reply> {
  /** Of these the last takes jobs; others were told to leave. */
  const running = new Set<Running<Reply>>()
  let current: Running<Reply> | undefined
  let nextJobId = 1
  const idle = createIdleTimer(settings.idleMs, () => {
    if (current === undefined) return
    if (current.waiting.size > 0) {
      idle.begin()
      return
    }
    leave(current)
    current = undefined
  })

  function ensureRunning(): Running<Reply> {
    if (current !== undefined) return current
    current = start<Reply>(settings, (ended) => {
      running.delete(ended)
      if (current === ended) current = undefined
    })
    running.add(current)
    return current
  }

  return {
    send(job) {
      const target = ensureRunning()
      const jobId = nextJobId++
      idle.begin()
      return new Promise<Reply>((resolve, reject) => {
        target.waiting.set(jobId, { resolve, reject })
        post(target, { jobId, job })
      })
    },
    async stop(timeoutMs) {
      idle.end()
      if (current !== undefined) leave(current)
      const timer = setTimeout(() => running.forEach(({ worker }) => void worker.terminate()), timeoutMs)
      await Promise.all([...running].map(({ exited }) => exited))
      clearTimeout(timer)
    },
  }
}

/** Calls back when nothing has begun for so long. */
function createIdleTimer(idleMs: number | undefined, onIdle: () => void) {
  let timer: NodeJS.Timeout | undefined
  return {
    begin() {
      if (idleMs === undefined) return
      timer = timer?.refresh() ?? setTimeout(onIdle, idleMs).unref()
    },
    end: () => clearTimeout(timer),
  }
}

function leave(target: Pick<Running<unknown>, 'worker' | 'wake'>): void {
  post(target, { jobId: 0, job: null })
}

function post<Job>(target: Pick<Running<unknown>, 'worker' | 'wake'>, envelope: Envelope<Job>): void {
  target.worker.postMessage(envelope)
  Atomics.add(target.wake, 0, 1)
  Atomics.notify(target.wake, 0)
}

function start<Reply>(settings: WorkerSettings, onExit: (ended: Running<Reply>) => void): Running<Reply> {
  const wake = new Int32Array(new SharedArrayBuffer(4))
  // Without execArgv the telemetry preload of the process would start once more in every thread.
  const worker = new Worker(settings.script, { workerData: { ...settings.data, wake }, execArgv: [] })
  const waiting = new Map<number, Waiting<Reply>>()
  let failure: Error | undefined
  worker.on('message', ({ jobId, reply }: { jobId: number; reply: Reply }) => {
    waiting.get(jobId)?.resolve(reply)
    waiting.delete(jobId)
  })
  worker.on('error', (error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error))
    settings.onCrash(failure)
  })
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      onExit(state)
      for (const { reject } of waiting.values()) reject(lostWorker(failure))
      resolve()
    })
  })
  const state: Running<Reply> = { worker, wake, waiting, exited }
  return state
}

function lostWorker(cause: Error | undefined): ServiceError {
  return new ServiceError('INTERNAL_ERROR', 'The thread that did this work has ended', { cause })
}
