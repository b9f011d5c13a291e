import { stdout } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Measure, printMeasures } from './lib/bench-output.ts'
import { type BenchStack, startBenchStack } from './lib/bench-stack.ts'
import { usageOf } from './lib/process-usage.ts'
import { loadStack } from './lib/stack-load.ts'

// Resident memory of the six services when they are ready, soon after the chats and actions of the smoke soak (five
// minutes; the short form sends fewer), and when it has been quiet for so long that readers nobody needs have ended. One
// stack, one figure each: memory is no sample of anything.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const SECONDS = values.short ? 2 : 300
const SOON_MS = values.short ? 500 : 20_000
const REST_MS = values.short ? 1000 : 70_000
const RSS_MIB_MAX = 600

interface Memory {
  readonly service: string
  readonly rssMib: number
  readonly pssMib: number
}

const stand = await startBenchStack()
try {
  const ready = memoryOf(stand)
  const plan = { gatewayUrl: stand.gatewayUrl, seconds: SECONDS, chatsPerSecond: 5, actionsPerSecond: 2 }
  const { sent, failed } = await loadStack(plan)
  if (failed > 0) throw new Error(`${failed} of ${sent} requests failed`)
  await sleep(SOON_MS)
  const soon = memoryOf(stand)
  await sleep(REST_MS)
  const measures = measuresOf({ ready, soon, rest: memoryOf(stand) }, sent)
  stdout.write(printMeasures('stack-memory', measures, values.json))
} finally {
  await stand.stop()
}

function memoryOf({ stack }: BenchStack): Memory[] {
  return stack.processes.map(({ service, identity }) => ({ service, ...usageOf(identity.pid) }))
}

interface Moments {
  readonly ready: readonly Memory[]
  readonly soon: readonly Memory[]
  readonly rest: readonly Memory[]
}

function measuresOf({ ready, soon, rest }: Moments, sent: number): Measure[] {
  const row = (name: string, value: number): Measure => ({
    name,
    unit: 'MiB',
    n: sent,
    interval: { value, low: value, high: value },
  })
  const sum = (memories: readonly Memory[], read: (memory: Memory) => number) =>
    memories.reduce((total, memory) => total + read(memory), 0)
  const rss = (memories: readonly Memory[]) => sum(memories, ({ rssMib }) => rssMib)
  return [
    row('RSS of the six when ready', rss(ready)),
    row('RSS of the six soon after the load', rss(soon)),
    { ...row('RSS of the six at rest', rss(rest)), bound: { kind: 'at most', value: RSS_MIB_MAX } },
    row(
      'PSS of the six at rest (shared pages once)',
      sum(rest, ({ pssMib }) => pssMib),
    ),
    ...rest.map(({ service, rssMib }) => row(`RSS at rest: ${service}`, rssMib)),
  ]
}
