import { stderr, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { type Measure, printMeasures } from './lib/bench-output.ts'
import { type ChatClient, chatClient, closedLoop } from './lib/chat-client.ts'
import { startProgram } from './lib/child-process.ts'
import { measureAsked } from './lib/constant-rate.ts'
import { type Arm, bootstrapRounds, interleave, medianOf, quantile } from './lib/paired-rounds.ts'
import { type Portkey, startPortkey } from './lib/portkey.ts'
import { startRouterStand } from './lib/router-stand.ts'
import { latenessOf } from './lib/stream-lateness.ts'

// The router with all its duties beside Portkey's gateway and a bare node:http hop, in front of the same double:
// latency one at a time, requests a second at 16 and 64 at a time, latency at a constant rate (open loop, from the
// planned time of each request), and streams of 64 frames at 20 ms.
// Added = less what the straight way to the double took in the same round.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: 'single,load,rate,streams' },
    'without-portkey': { type: 'boolean', default: false },
  },
})
const PARTS = values.only.split(',')
const ROUNDS = values.short ? 2 : 7
const REQUESTS = values.short ? 10 : 700
const WARM_UP = values.short ? 10 : 1500
const LOAD_MS = values.short ? 100 : 1500
/** Less than any of the doors can serve. */
const CONSTANT_RATE = 500
const STREAMS_AT_ONCE = 8
const WARM_UP_WAVES = values.short ? 1 : 5
const WARM_UP_STREAMS = values.short ? 8 : 64
const MANY_STREAMS = values.short ? [16] : [128, 192, 256]
const FRAMES = 64
const FRAME_MS = 20
const SEED = 20_261_124
const PORT_BASE = 26_100
const PORTKEY_PORT = 26_500

const WHOLE = {
  model: 'm',
  messages: [{ role: 'user', content: 'What did we say about the train to Graz?' }],
}
const WORDS = Array.from({ length: FRAMES - 2 }, (_, index) => `w${index}`).join(' ')
const STREAMED = { model: 'm', messages: [{ role: 'user', content: WORDS }] }

const measures: Measure[] = []

type Doors = ReadonlyMap<string, ChatClient>

async function withDoors(body: object, tokenDelayMs: number, use: (doors: Doors) => Promise<void>) {
  const stand = await startRouterStand(['m'], { tokenDelayMs, portBase: PORT_BASE })
  const hop = await startProgram([
    fileURLToPath(new URL('./lib/bare-hop-main.ts', import.meta.url)),
    stand.doubleOrigin,
  ])
  const portkey = values['without-portkey'] ? null : await startPortkey(PORTKEY_PORT)
  const clients = [
    chatClient({ name: 'direct', origin: stand.doubleOrigin, headers: {}, body }),
    chatClient({ name: 'bare', origin: `http://127.0.0.1:${String(hop.hello['port'])}`, headers: {}, body }),
    chatClient({
      name: 'router',
      origin: stand.routerUrl,
      headers: { 'x-service-token': stand.token },
      body,
    }),
    ...(portkey === null ? [] : [portkeyClient(portkey, stand.doubleUrl, body)]),
  ]
  try {
    await use(new Map(clients.map((client) => [client.name, client])))
  } finally {
    for (const client of clients) await client.close()
    await portkey?.stop()
    await hop.stop()
    await stand.stop()
  }
}

function portkeyClient(portkey: Portkey, doubleUrl: string, body: object): ChatClient {
  return chatClient({ name: 'portkey', origin: portkey.origin, headers: portkey.headersFor(doubleUrl), body })
}

/** So many streams at once and again: their code is compiled, and so many connections are open. */
async function warmStreams(door: ChatClient, count: number, waves: number): Promise<void> {
  for (let wave = 0; wave < waves; wave++) await manyStreams(door, count)
}

const manyStreams = (door: ChatClient, count: number) =>
  Promise.all(Array.from({ length: count }, () => door.stream()))

async function warm(door: ChatClient): Promise<void> {
  for (let index = 0; index < WARM_UP; index++) await door.whole()
}

const armsOf = <T>(doors: Doors, run: (door: ChatClient) => Promise<T>): Arm<T>[] =>
  [...doors.values()].map((door) => ({ name: door.name, run: () => run(door) }))

type Rounds = ReadonlyMap<string, readonly number[]>

/** A statistic over rounds: the median of what `pick` makes of each chosen round. */
function overRounds(pick: (round: number) => number) {
  return bootstrapRounds(ROUNDS, (chosen) => medianOf(chosen.map(pick)), mulberry32(SEED))
}

const at = (rounds: Rounds, name: string, round: number) => rounds.get(name)?.[round] ?? Number.NaN
const added = (rounds: Rounds, name: string, round: number) =>
  at(rounds, name, round) - at(rounds, 'direct', round)

function push(about: Omit<Measure, 'interval'>, pick: (round: number) => number): void {
  measures.push({ ...about, interval: overRounds(pick) })
}

const atMost = (value: number): NonNullable<Measure['bound']> => ({ kind: 'at most', value })
const atLeast = (value: number): NonNullable<Measure['bound']> => ({ kind: 'at least', value })

async function measureSingle(doors: Doors): Promise<void> {
  const p50s = await interleave(
    armsOf(doors, async (door) => {
      const took: number[] = []
      for (let index = 0; index < REQUESTS; index++) took.push(await door.whole())
      return medianOf(took)
    }),
    ROUNDS,
  )
  const n = ROUNDS * REQUESTS
  for (const name of doors.keys())
    push({ name: `c=1 p50, ${name}`, unit: 'ms', n }, (round) => at(p50s, name, round))
  const hops = (round: number) => added(p50s, 'router', round) / added(p50s, 'bare', round)
  push({ name: 'c=1 added p50: router / bare hop', unit: '', n, bound: atMost(2.5) }, hops)
  if (!doors.has('portkey')) return
  const peer = (round: number) => added(p50s, 'router', round) / added(p50s, 'portkey', round)
  push({ name: 'c=1 added p50: router / Portkey', unit: '', n, bound: atMost(1 / 6) }, peer)
}

async function measureLoad(doors: Doors, concurrency: number): Promise<void> {
  const results = await interleave(
    armsOf(doors, async (door) => {
      const { perSecond, latenciesMs } = await closedLoop(() => door.whole(), concurrency, LOAD_MS)
      const sorted = latenciesMs.toSorted((a, b) => a - b)
      return { perSecond, p99: quantile(sorted, 0.99), n: sorted.length }
    }),
    ROUNDS,
  )
  const figure = (key: 'perSecond' | 'p99'): Rounds =>
    new Map([...results].map(([name, rounds]) => [name, rounds.map((round) => round[key])]))
  const [rates, p99s] = [figure('perSecond'), figure('p99')]
  const n = [...results.values()].flat().reduce((sum, round) => sum + round.n, 0)
  const label = `c=${concurrency}`
  for (const name of doors.keys())
    push({ name: `${label} requests/s, ${name}`, unit: '1/s', n }, (round) => at(rates, name, round))
  const share = (other: string) => (round: number) => at(rates, 'router', round) / at(rates, other, round)
  push({ name: `${label} requests/s: router / bare hop`, unit: '', n, bound: atLeast(0.5) }, share('bare'))
  if (!doors.has('portkey')) return
  push({ name: `${label} requests/s: router / Portkey`, unit: '', n, bound: atLeast(5) }, share('portkey'))
  const late = (round: number) => added(p99s, 'router', round) / added(p99s, 'portkey', round)
  push({ name: `${label} added p99: router / Portkey`, unit: '', n, bound: atMost(1 / 4) }, late)
}

async function measureStreams(all: Doors): Promise<void> {
  const doors = await thoseThatStream(all)
  for (const door of doors.values()) await warmStreams(door, WARM_UP_STREAMS, WARM_UP_WAVES)
  const firsts = await interleave(
    armsOf(doors, async (door) => {
      const streams = await manyStreams(door, STREAMS_AT_ONCE)
      return medianOf(streams.map(([first = Number.NaN]) => first))
    }),
    ROUNDS,
  )
  const n = ROUNDS * STREAMS_AT_ONCE
  for (const name of doors.keys())
    push({ name: `first token, ${name}`, unit: 'ms', n }, (round) => at(firsts, name, round))
  if (doors.has('portkey')) {
    const peer = (round: number) => added(firsts, 'router', round) / added(firsts, 'portkey', round)
    push({ name: 'added time to first token: router / Portkey', unit: '', n, bound: atMost(1 / 8) }, peer)
  }
  for (const count of MANY_STREAMS) {
    for (const name of ['direct', 'router', 'portkey']) await measureMany(doors, name, count)
  }
}

/** On this Node, 1.15.2 answers every stream with an error: it is said, and the others are measured. */
async function thoseThatStream(all: Doors): Promise<Doors> {
  const streaming = new Map(all)
  for (const [name, door] of all) {
    try {
      await door.stream()
    } catch (error) {
      if (name !== 'portkey' || !(error instanceof Error)) throw error
      stderr.write(`router-peers: no streams of Portkey: ${error.message}\n`)
      streaming.delete(name)
    }
  }
  return streaming
}

/** Frames lost, and frames late, of many streams at once: the worst round counts. */
async function measureMany(doors: Doors, name: string, count: number): Promise<void> {
  const door = doors.get(name)
  if (door === undefined) return
  await warmStreams(door, count, 1)
  const rounds = values.short ? 1 : 3
  const bad: number[] = []
  for (let round = 0; round < rounds; round++) {
    const streams = await manyStreams(door, count)
    const { lost, late } = latenessOf(streams, { frames: FRAMES, everyMs: FRAME_MS, toleranceMs: FRAME_MS })
    bad.push(lost + late)
  }
  const value = Math.max(...bad)
  const bound = name === 'router' && count === 128 ? { bound: atMost(0) } : {}
  measures.push({
    name: `${count} streams, frames lost or late, ${name}`,
    unit: '',
    n: rounds * count * FRAMES,
    interval: { value, low: Math.min(...bad), high: value },
    ...bound,
  })
}

if (PARTS.some((part) => part !== 'streams')) {
  await withDoors(WHOLE, 0, async (doors) => {
    for (const door of doors.values()) await warm(door)
    if (PARTS.includes('single')) await measureSingle(doors)
    if (PARTS.includes('load')) for (const concurrency of [16, 64]) await measureLoad(doors, concurrency)
    if (!PARTS.includes('rate')) return
    const plan = { rounds: ROUNDS, roundMs: LOAD_MS, seed: SEED, perSecond: CONSTANT_RATE }
    measures.push(
      ...(await measureAsked(plan, new Map([...doors].map(([name, door]) => [name, () => door.whole()])))),
    )
  })
}
if (PARTS.includes('streams')) await withDoors(STREAMED, FRAME_MS, measureStreams)
stdout.write(printMeasures('router-peers', measures, values.json))
