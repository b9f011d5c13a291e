import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { type Stack, startStack } from '#ops/stack.ts'
import { type Measure, printMeasures } from './lib/bench-output.ts'
import { type ChatClient, chatClient } from './lib/chat-client.ts'
import { startProgram } from './lib/child-process.ts'
import { bootstrapRounds, interleave, medianOf } from './lib/paired-rounds.ts'
import { startPortkey } from './lib/portkey.ts'

// A whole chat of the stack (recall, model over HTTP, two durable writes) beside one hop of Portkey's gateway to the
// same double, one request at a time.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const ROUNDS = values.short ? 2 : 9
const REQUESTS = values.short ? 5 : 300
const WARM_UP = values.short ? 5 : 800
const SEED = 20_261_124
const PORT_BASE = 26_200
const PORTKEY_PORT = 26_600
const QUESTION = 'What did we say about the train to Graz?'

const double = await startProgram([
  fileURLToPath(new URL('../gates/doubles/upstream-main.ts', import.meta.url)),
])
const doubleUrl = `http://127.0.0.1:${String(double.hello['port'])}/v1`
const home = mkdtempSync(join(tmpdir(), 'sonia-bench-chat-'))
const stack = await startChatStack()
const portkey = await startPortkey(PORTKEY_PORT)
const doors = clients()
try {
  stdout.write(printMeasures('chat-peers', await measure(), values.json))
} finally {
  for (const door of doors) await door.close()
  await portkey?.stop()
  await stack.stop()
  await double.stop()
  rmSync(home, { recursive: true, force: true })
}

function startChatStack(): Promise<Stack> {
  const providers = { upstream: { kind: 'openai', base_url: doubleUrl, models: [{ name: 'm' }] } }
  mkdirSync(join(home, 'config'), { mode: 0o700 })
  const configuration = JSON.stringify({ services: { 'model-router': { providers } } })
  writeFileSync(join(home, 'config', 'sonia.json'), configuration, { mode: 0o600 })
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  const repo = fileURLToPath(new URL('..', import.meta.url))
  return startStack({ repo, home, portBase: PORT_BASE, runId: 'bench-chat', host: { env, clock } })
}

function clients(): readonly ChatClient[] {
  const completion = { model: 'm', messages: [{ role: 'user', content: QUESTION }] }
  const gateway = `http://127.0.0.1:${stack.ports['api-gateway']}`
  const chat = chatClient({
    name: 'chat of the stack',
    origin: gateway,
    path: '/v1/chat',
    headers: {},
    body: { message: QUESTION },
    connections: 1,
  })
  if (portkey === null) return [chat]
  const headers = portkey.headersFor(doubleUrl)
  const hop = {
    name: 'one hop of Portkey',
    origin: portkey.origin,
    headers,
    body: completion,
    connections: 1,
  }
  return [chat, chatClient(hop)]
}

async function measure(): Promise<readonly Measure[]> {
  for (const door of doors) for (let index = 0; index < WARM_UP; index++) await door.whole()
  const p50s = await interleave(
    doors.map((door) => ({ name: door.name, run: () => medianRun(door) })),
    ROUNDS,
  )
  const n = ROUNDS * REQUESTS
  const at = (name: string, round: number) => p50s.get(name)?.[round] ?? Number.NaN
  const over = (pick: (round: number) => number) =>
    bootstrapRounds(ROUNDS, (chosen) => medianOf(chosen.map(pick)), mulberry32(SEED))
  const figures: Measure[] = doors.map(({ name }) => ({
    name: `c=1 p50, ${name}`,
    unit: 'ms',
    n,
    interval: over((round) => at(name, round)),
  }))
  const [chat, peer] = doors.map(({ name }) => name)
  if (chat === undefined || peer === undefined) return figures
  const interval = over((round) => at(chat, round) / at(peer, round))
  return [
    ...figures,
    { name: 'p50: chat / Portkey', unit: '', n, interval, bound: { kind: 'at most', value: 1 } },
  ]
}

async function medianRun(door: ChatClient): Promise<number> {
  const took: number[] = []
  for (let index = 0; index < REQUESTS; index++) took.push(await door.whole())
  return medianOf(took)
}
