import { startForTest } from '#chassis/testing.ts'
import { service } from '../../services/model-router/service.ts'

// The router in a process that can be asked about itself. Started by router-leak.ts with an IPC channel and
// --expose-gc; first argument: the base URL of the double.

/** What the process holds after a forced collection. */
export interface Holdings {
  readonly heapBytes: number
  readonly sockets: number
  readonly timers: number
  readonly listeners: number
}

export interface SubjectHello {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

const COLLECTIONS = 4

const provider = {
  kind: 'openai',
  base_url: process.argv[2],
  models: ['plain', 'silent', 'stalling'].map((name) => ({ name })),
}
const running = await startForTest(service, {
  config: { providers: { upstream: { ...provider, max_concurrent: 200 } }, embedded: false },
})
process.on('message', (message) => {
  if (message === 'hello') void greet()
  if (message === 'measure') void measure()
})
process.once('SIGTERM', () => void running.stop().then(() => process.exit(0)))

/** A token lives five minutes; a long run asks again. */
async function greet(): Promise<void> {
  send({ url: running.url, headers: await running.headersFrom('api-gateway') } satisfies SubjectHello)
}

async function measure(): Promise<void> {
  for (let round = 0; round < COLLECTIONS; round++) {
    globalThis.gc?.()
    // Finalisers and closing handles run between collections.
    await new Promise(setImmediate)
  }
  const resources = process.getActiveResourcesInfo()
  const count = (...kinds: string[]) => resources.filter((kind) => kinds.includes(kind)).length
  send({
    heapBytes: process.memoryUsage().heapUsed,
    sockets: count('TCPSocketWrap', 'TCPConnectWrap'),
    timers: count('Timeout', 'Immediate'),
    listeners: listenersOf(process) + listenersOf(running.app.server),
  } satisfies Holdings)
}

function listenersOf(emitter: NodeJS.EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)
}

function send(message: SubjectHello | Holdings): void {
  process.send?.(message)
}
