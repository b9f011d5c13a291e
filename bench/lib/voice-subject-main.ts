import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startForTest } from '#chassis/testing.ts'
import { type VoiceCounts, voiceCounts } from '#gates/durability/voice-counts.ts'
import { service } from '../../services/pipecat/service.ts'

// Voice in a process that can be asked about itself. Started with an IPC channel and --expose-gc; first argument: the
// origin of the gateway and speech provider, second: the section services.pipecat as JSON.

/** What the process holds after a forced collection. */
export interface VoiceHoldings extends VoiceCounts {
  readonly heapBytes: number
  /** Buffers and whatever else lives outside of the heap. */
  readonly bufferBytes: number
  readonly rssBytes: number
  readonly sockets: number
  readonly timers: number
  readonly files: number
  /** Descriptors of the whole process: sockets, pipes, files. */
  readonly descriptors: number
}

const COLLECTIONS = 4
const [, , origin = '', config = '{}'] = process.argv

const running = await startForTest(service, {
  config: JSON.parse(config) as Record<string, unknown>,
  originOf: () => origin,
})
process.on('message', (message) => {
  if (message === 'hello') process.send?.({ url: running.url })
  if (message === 'measure') void measure()
})
process.once('SIGTERM', () => void running.stop().then(() => process.exit(0)))

async function measure(): Promise<void> {
  for (let round = 0; round < COLLECTIONS; round += 1) {
    globalThis.gc?.()
    await new Promise(setImmediate)
  }
  const resources = process.getActiveResourcesInfo()
  const count = (...kinds: string[]) => resources.filter((kind) => kinds.includes(kind)).length
  const { heapUsed, external, rss } = process.memoryUsage()
  const files = await readdir(join(running.home, 'data', 'sessions')).catch(() => [])
  process.send?.({
    heapBytes: heapUsed,
    bufferBytes: external,
    rssBytes: rss,
    sockets: count('TCPSocketWrap', 'TCPConnectWrap'),
    timers: count('Timeout', 'Immediate'),
    files: files.length,
    descriptors: (await readdir('/proc/self/fd')).length,
    ...voiceCounts((await running.app.inject({ url: '/metrics' })).body),
  } satisfies VoiceHoldings)
}
