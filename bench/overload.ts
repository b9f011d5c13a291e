import { stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { type Measure, printMeasures } from './lib/bench-output.ts'
import { type BenchStack, startBenchStack } from './lib/bench-stack.ts'
import { closedLoop } from './lib/chat-client.ts'
import { pinSelf } from './lib/child-process.ts'
import { openLoop } from './lib/open-loop.ts'
import { type Clients, clientsOf, GOOD_WITHIN_MS, type Outcome } from './lib/overload-clients.ts'
import { goodPerSecond, type OverloadRound, overloadMeasures } from './lib/overload-measures.ts'
import { interleave } from './lib/paired-rounds.ts'
import { closeClients } from './lib/voice-client.ts'

// Three times as many chats as the stack can answer: the six services on one core, the clients on the other. First the
// most chats a second that a closed loop gets; then, in every round and in turns, that closed loop, health and voice
// alone, and an open loop of chats at three times the most with health and voice beside it, at a stack that sheds load
// and at one that does not. Only whole answers within 2 s of the planned time of their request count.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    /** `answers_at_once` of the gateway that sheds. */
    'at-once': { type: 'string', default: '8' },
  },
})
const ROUNDS = values.short ? 1 : 7
const ROUND_MS = values.short ? 500 : 10_000
const LEVEL_MS = values.short ? 250 : 4000
const WARM_UP_MS = values.short ? 250 : 10_000
/** People at a time, of whom the level with the most good answers is the peak. */
const LEVELS = values.short ? [8] : [2, 4, 8, 16, 32, 64]
const TIMES_CAPACITY = 3
const HEALTH_PER_SECOND = 50
const VOICE_PER_SECOND = 5
const SEED = 20_261_125
const STACK_CORE = 0
const CLIENT_CORE = 1
const NEVER_MS = 1_000_000_000
/** No principal is held back: who comes is one, and many. */
const gatewayWith = (section: object) => ({
  services: { 'api-gateway': { rate_limit_per_minute: 10_000_000, ...section } },
})
const SHEDDING = gatewayWith({ answers_at_once: Number(values['at-once']) })
const NOT_SHEDDING = {
  ...gatewayWith({ answers_at_once: 10_000 }),
  shed_after_ms: { background: NEVER_MS, normal: NEVER_MS, high: NEVER_MS },
}

// What is started inherits the core.
pinSelf(STACK_CORE)
const stacks: BenchStack[] = []
const everyone: Clients[] = []
try {
  stacks.push(await startBenchStack({ portBase: 28_200, configuration: SHEDDING }))
  stacks.push(await startBenchStack({ portBase: 28_300, configuration: NOT_SHEDDING }))
  pinSelf(CLIENT_CORE)
  everyone.push(...stacks.map(clientsOf))
  const measures = await measure()
  for (const { stack } of stacks) refuseRestarts(stack.restarts)
  stdout.write(printMeasures('overload', measures, values.json))
} finally {
  for (const clients of everyone) await clients.close()
  await closeClients()
  for (const { stop } of stacks) await stop()
}

async function measure(): Promise<readonly Measure[]> {
  const [shedding, other] = everyone
  if (shedding === undefined || other === undefined) throw new Error('two stacks are compared')
  for (const clients of everyone) await goodput(clients, 8, WARM_UP_MS)
  const level = await bestLevel(shedding)
  const perSecond = TIMES_CAPACITY * level.perSecond
  const overloaded = (clients: Clients) => () => settled(clients, () => overload(clients, perSecond))
  const peak = (clients: Clients) => () => settled(clients, () => peakRound(clients, level.people))
  const rounds = await interleave<OverloadRound>(
    [
      { name: 'unloaded', run: () => settled(shedding, () => overload(shedding, 0)) },
      { name: 'peak', run: peak(shedding) },
      { name: 'shedding', run: overloaded(shedding) },
      { name: 'peak without', run: peak(other) },
      { name: 'without', run: overloaded(other) },
    ],
    ROUNDS,
  )
  return overloadMeasures(rounds, { random: mulberry32(SEED), perSecond })
}

async function settled<T>({ settle }: Clients, run: () => Promise<T>): Promise<T> {
  await settle()
  return run()
}

async function bestLevel(clients: Clients): Promise<{ people: number; perSecond: number }> {
  let best = { people: 0, perSecond: 0 }
  for (const people of LEVELS) {
    const perSecond = await goodput(clients, people, LEVEL_MS)
    if (perSecond > best.perSecond) best = { people, perSecond }
  }
  if (best.people === 0) throw new Error('no chat got a good answer')
  return best
}

/** Good answers a second of a closed loop. */
async function goodput({ chat }: Clients, people: number, durationMs: number): Promise<number> {
  let good = 0
  const ask = async () => {
    const startedMs = performance.now()
    if ((await chat()) === 'good') good += 1
    return performance.now() - startedMs
  }
  const { perSecond, latenciesMs } = await closedLoop(ask, people, durationMs)
  return (perSecond * good) / latenciesMs.length
}

async function peakRound(clients: Clients, people: number): Promise<OverloadRound> {
  const perSecond = await goodput(clients, people, ROUND_MS)
  return { goodPerSecond: perSecond, chats: [], health: [], voice: [] }
}

/** Chats at a rate that may be none, and what health and voice notice of them. */
async function overload(clients: Clients, perSecond: number): Promise<OverloadRound> {
  const run = (ask: () => Promise<Outcome>, rate: number) =>
    openLoop(ask, { perSecond: rate, durationMs: ROUND_MS })
  const [chats, health, voice] = await Promise.all([
    run(clients.chat, perSecond),
    run(clients.health, HEALTH_PER_SECOND),
    run(clients.voice, VOICE_PER_SECOND),
  ])
  return {
    goodPerSecond: goodPerSecond(chats, { goodWithinMs: GOOD_WITHIN_MS, roundMs: ROUND_MS }),
    chats,
    health,
    voice,
  }
}

/** A service that was started again runs on another core, and was not there for a while. */
function refuseRestarts(restarts: Readonly<Record<string, number>>): void {
  const restarted = Object.entries(restarts).filter(([, times]) => times > 0)
  if (restarted.length > 0) throw new Error(`restarted: ${restarted.map(([name]) => name).join(', ')}`)
}
