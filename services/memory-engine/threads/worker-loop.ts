import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'

/** What the main thread sends; `wake` is raised after every message so that a sleeping worker sees it at once. */
export interface Envelope<Job> {
  readonly jobId: number
  /** null asks the worker to finish its work and leave. */
  readonly job: Job | null
}

export interface WorkerLoop<Job, Reply> {
  readonly port: MessagePort
  readonly wake: Int32Array
  readonly handle: (job: Job) => Reply
  /** Called once the answer is on its way: what nobody has to wait for. */
  readonly afterReply?: () => void
  /** Called when nothing is waiting; answers how long the worker may sleep. */
  readonly idle: () => number
  readonly finish: () => void
}

/**
 * Sleeps on an atomic instead of the event loop: waking up costs 18 us instead of 60, and a worker
 * that runs only synchronous database calls needs no event loop.
 */
export function runWorkerLoop<Job, Reply>(loop: WorkerLoop<Job, Reply>): void {
  for (;;) {
    const seen = Atomics.load(loop.wake, 0)
    const received = receiveMessageOnPort(loop.port) as { message: Envelope<Job> } | undefined
    if (received === undefined) {
      const sleepMs = loop.idle()
      Atomics.wait(loop.wake, 0, seen, sleepMs)
      continue
    }
    const { jobId, job } = received.message
    if (job === null) break
    loop.port.postMessage({ jobId, reply: loop.handle(job) })
    loop.afterReply?.()
  }
  loop.finish()
  loop.port.close()
}
