import { stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { type Measure, printMeasures } from './lib/bench-output.ts'
import { startBenchStack } from './lib/bench-stack.ts'
import { bootstrapRounds, medianOf } from './lib/paired-rounds.ts'
import { type ProcessUsage, usageOf } from './lib/process-usage.ts'

// From the first spawn until the last of the six services is ready, and from the first SIGTERM until the last has
// ended; what each process has used of the CPU when all are ready, and what it holds then.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const CYCLES = values.short ? 1 : 15
const SEED = 20_261_124
const READY_MS_MAX = 3000
const STOP_MS_MAX = 2000

interface Cycle {
  readonly readyMs: number
  readonly stopMs: number
  readonly usage: Readonly<Record<string, ProcessUsage>>
}

// The first one fills the caches, as the first start on a machine does.
await cycle()
const cycles: Cycle[] = []
while (cycles.length < CYCLES) cycles.push(await cycle())
stdout.write(printMeasures('stack-start', measuresOf(cycles), values.json))

async function cycle(): Promise<Cycle> {
  const { stack, stop } = await startBenchStack({ portBase: 28_100 })
  const usage = Object.fromEntries(
    stack.processes.map(({ service, identity }) => [service, usageOf(identity.pid)]),
  )
  const { stopMs, killed } = await stop()
  if (killed.length > 0) throw new Error(`${killed.join(', ')} had to be killed`)
  return { readyMs: stack.startReadyMs, stopMs, usage }
}

function measuresOf(cycles: readonly Cycle[]): Measure[] {
  const random = mulberry32(SEED)
  const over = (read: (cycle: Cycle) => number) =>
    bootstrapRounds(
      cycles.length,
      (chosen) => medianOf(chosen.flatMap((at) => cycles.slice(at, at + 1).map(read))),
      random,
    )
  const row = (name: string, unit: string, read: (cycle: Cycle) => number): Measure => ({
    name,
    unit,
    n: cycles.length,
    interval: over(read),
  })
  const total = (read: (usage: ProcessUsage) => number) => (one: Cycle) =>
    Object.values(one.usage).reduce((sum, usage) => sum + read(usage), 0)
  return [
    {
      ...row('start to six ready', 'ms', ({ readyMs }) => readyMs),
      bound: { kind: 'at most', value: READY_MS_MAX },
    },
    {
      ...row('first SIGTERM to the last end', 'ms', ({ stopMs }) => stopMs),
      bound: { kind: 'at most', value: STOP_MS_MAX },
    },
    row(
      'CPU time of the six when ready',
      'ms',
      total(({ cpuMs }) => cpuMs),
    ),
    row(
      'RSS of the six when ready',
      'MiB',
      total(({ rssMib }) => rssMib),
    ),
    row(
      'PSS of the six when ready',
      'MiB',
      total(({ pssMib }) => pssMib),
    ),
    ...Object.keys(cycles[0]?.usage ?? {}).flatMap((service) => [
      row(`CPU time: ${service}`, 'ms', (one) => one.usage[service]?.cpuMs ?? Number.NaN),
      row(`RSS: ${service}`, 'MiB', (one) => one.usage[service]?.rssMib ?? Number.NaN),
    ]),
  ]
}
