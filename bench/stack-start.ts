import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { startStack } from '#ops/stack.ts'
import { type Measure, printMeasures } from './lib/bench-output.ts'
import { bootstrapRounds, medianOf } from './lib/paired-rounds.ts'
import { type ProcessUsage, usageOf } from './lib/process-usage.ts'

// From the first spawn until the last of the six services is ready, and from the first SIGTERM until the last has
// ended; what each process has used of the CPU when all are ready, and what it holds then.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const CYCLES = values.short ? 3 : 15
const PORT_BASE = 28_000
const SEED = 20_261_124
const READY_MS_MAX = 3000
const STOP_MS_MAX = 2000

interface Cycle {
  readonly readyMs: number
  readonly stopMs: number
  readonly usage: Readonly<Record<string, ProcessUsage>>
}

const repo = fileURLToPath(new URL('..', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'sonia-bench-stack-'))
try {
  // Fills the caches, as the first start on a machine does.
  await cycle(0)
  const cycles: Cycle[] = []
  for (let number = 1; number <= CYCLES; number++) cycles.push(await cycle(number))
  stdout.write(printMeasures('stack-start', measuresOf(cycles), values.json))
} finally {
  rmSync(home, { recursive: true, force: true })
}

async function cycle(number: number): Promise<Cycle> {
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  const stack = await startStack({
    repo,
    home,
    portBase: PORT_BASE,
    runId: `bench-${number}`,
    host: { env, clock },
  })
  const usage = Object.fromEntries(
    stack.processes.map(({ service, identity }) => [service, usageOf(identity.pid)]),
  )
  const { stopMs, killed } = await stack.stop()
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
