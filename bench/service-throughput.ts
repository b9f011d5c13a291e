import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { SERVICE_MALLOC, SERVICE_NODE_FLAGS } from '#ops/service-memory.ts'
import { type Measure, printMeasures } from './lib/bench-output.ts'
import { pinSelf, type StartedProgram, startProgram } from './lib/child-process.ts'
import { measureAtConstantRate } from './lib/constant-rate.ts'
import { type Arm, bootstrapRounds, interleave, medianOf } from './lib/paired-rounds.ts'
import { flood } from './lib/request-flood.ts'
import { serveJson } from './lib/serve-json.ts'

// Requests a second that one process serves on one core: bare Fastify; the stock set (instrumentation-http, pino,
// prom-client); a service on our chassis with its log line, metrics with exemplars, trace (all sampled) and correlation
// id. And the same with one hop onward: bare Fastify over undici, and the chassis' client. Closed loop, 32 connections.
// Then an open loop: a constant rate that every arm can serve, each answer timed from the planned moment of its request.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const ROUNDS = values.short ? 2 : 9
const ROUND_MS = values.short ? 100 : 2000
const WARM_UP_MS = values.short ? 100 : 4000
const SEED = 20_261_124
const PIPELINED = 4
const CONNECTIONS = 32
/** Requests a second of the open loop. */
const CONSTANT_RATE = { item: 2000, hop: 1000 }
const SERVER_CORE = 0
const LOAD_CORE = 1

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sonia-bench-service-'))
const programs: StartedProgram[] = []
pinSelf(LOAD_CORE)
const collector = await serveJson(0, '{}')
try {
  const ports = await startPrograms()
  const measures = measuresOf(await measure(ports))
  stdout.write(
    printMeasures('service-throughput', [...measures, ...(await measureOpenLoop(ports))], values.json),
  )
} finally {
  for (const program of programs) await program.stop()
  collector.closeAllConnections()
  collector.close()
  rmSync(folder, { recursive: true, force: true })
}

interface Ports {
  readonly bare: number
  readonly stock: number
  readonly own: number
}

async function startPrograms(): Promise<Ports> {
  const collectorOrigin = `http://127.0.0.1:${portOf(collector.address())}`
  const upstream = await start(['lib/upstream-main.ts'], LOAD_CORE)
  const origin = `http://127.0.0.1:${upstream}`
  mkdirSync(join(folder, 'home'))
  return {
    bare: await start(['lib/service-bare-main.ts', origin], SERVER_CORE),
    stock: await start(
      ['lib/service-stock-main.ts', collectorOrigin, join(folder, 'stock.log')],
      SERVER_CORE,
    ),
    own: await start(
      [
        ...SERVICE_NODE_FLAGS,
        '--import',
        '../otel/register.ts',
        'lib/service-own-main.ts',
        origin,
        join(folder, 'home'),
      ],
      SERVER_CORE,
      { ...SERVICE_MALLOC, OTEL_EXPORTER_OTLP_ENDPOINT: collectorOrigin },
    ),
  }
}

/** Paths that end in .ts are of this folder. */
async function start(
  args: readonly string[],
  core: number,
  env: Record<string, string> = {},
): Promise<number> {
  const located = args.map((arg) => (arg.endsWith('.ts') ? at(arg) : arg))
  const program = await startProgram(located, { ...env, NODE_ENV: 'production' }, core)
  programs.push(program)
  return Number(program.hello['port'])
}

async function measure(ports: Ports): Promise<ReadonlyMap<string, readonly number[]>> {
  const arms = [
    arm('bare', ports.bare, '/item/7'),
    arm('stock', ports.stock, '/item/7'),
    arm('chassis', ports.own, '/item/7'),
    arm('bare hop', ports.bare, '/hop'),
    arm('chassis hop', ports.own, '/hop'),
  ]
  for (const { warmUp } of arms) await warmUp()
  return interleave(arms, ROUNDS)
}

async function measureOpenLoop({ bare, stock, own }: Ports): Promise<readonly Measure[]> {
  const plan = { rounds: ROUNDS, roundMs: ROUND_MS, seed: SEED }
  const item = { path: '/item/7', perSecond: CONSTANT_RATE.item }
  const hop = { path: '/hop', perSecond: CONSTANT_RATE.hop }
  return [
    ...(await measureAtConstantRate({ ...plan, ...item }, { bare, stock, chassis: own })),
    ...(await measureAtConstantRate({ ...plan, ...hop }, { 'bare hop': bare, 'chassis hop': own })),
  ]
}

function arm(name: string, port: number, path: string): Arm<number> & { warmUp: () => Promise<number> } {
  const perSecond = async (durationMs: number) => {
    const plan = { port, path, connections: CONNECTIONS, pipelined: path === '/hop' ? 1 : PIPELINED }
    const { answered, failed, seconds } = await flood(plan, durationMs)
    if (failed > 0) throw new Error(`${name}: ${failed} of ${answered} answers were no success`)
    return answered / seconds
  }
  return { name, run: () => perSecond(ROUND_MS), warmUp: () => perSecond(WARM_UP_MS) }
}

function measuresOf(rates: ReadonlyMap<string, readonly number[]>): Measure[] {
  const random = mulberry32(SEED)
  const at = (name: string, round: number) => rates.get(name)?.[round] ?? Number.NaN
  const over = (read: (round: number) => number) =>
    bootstrapRounds(ROUNDS, (chosen) => medianOf(chosen.map(read)), random)
  const ratio = (subject: string, reference: string, atLeast: number): Measure => ({
    name: `${subject} / ${reference}`,
    unit: 'times',
    n: ROUNDS,
    interval: over((round) => at(subject, round) / at(reference, round)),
    bound: { kind: 'at least', value: atLeast },
  })
  return [
    ...[...rates.keys()].map((name) => ({
      name: `requests a second: ${name}`,
      unit: '/s',
      n: ROUNDS,
      interval: over((round) => at(name, round)),
    })),
    ratio('chassis', 'bare', 0.7),
    ratio('chassis', 'stock', 1.8),
    ratio('chassis hop', 'bare hop', 0.72),
  ]
}

function portOf(address: ReturnType<typeof collector.address>): number {
  if (address === null || typeof address === 'string') throw new Error('the Collector has no port')
  return address.port
}
