import { stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Client } from 'undici'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { startProgram } from './lib/child-process.ts'
import { type Arm, bootstrapRounds, type Interval, interleave, medianOf } from './lib/paired-rounds.ts'
import { type RouterStand, startRouterStand } from './lib/router-stand.ts'

// What the router adds to one request at a time, in bare node:http hops of the same run.
// Arms: straight to the double; through the bare hop; through the router with validation, token, log line, metrics,
// trace, deadline. Added p50 of an arm = its p50 less that of the straight arm, round by round.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const ROUNDS = values.short ? 2 : 15
const REQUESTS = values.short ? 30 : 1500
const WARM_UP = values.short ? 30 : 3000
const SEED = 20_261_124
const LIMIT_HOPS = 2.5

const BODY = JSON.stringify({
  model: 'm',
  messages: [{ role: 'user', content: 'What did we say about the train to Graz?' }],
})

const stand = await startRouterStand(['m'])
const hop = await startProgram([
  fileURLToPath(new URL('./lib/bare-hop-main.ts', import.meta.url)),
  stand.doubleOrigin,
])
try {
  const result = await measure(stand, `http://127.0.0.1:${String(hop.hello['port'])}`)
  stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : tableOf(result))
} finally {
  await hop.stop()
  await stand.stop()
}

interface Result {
  readonly bench: 'router-latency'
  readonly form: 'short' | 'long'
  readonly rounds: number
  readonly requests_per_round: number
  readonly p50_us: Readonly<Record<string, Interval>>
  readonly added_us: Readonly<Record<string, Interval>>
  readonly added_in_hops: Interval
  readonly limit_hops: number
}

async function measure({ routerUrl, doubleOrigin, token }: RouterStand, hopUrl: string): Promise<Result> {
  const clients = [
    clientFor('direct', doubleOrigin, {}),
    clientFor('bare_hop', hopUrl, {}),
    clientFor('router', routerUrl, { 'x-service-token': token }),
  ]
  for (const client of clients) await client.latencies(WARM_UP)
  const arms: Arm<number>[] = clients.map(({ name, latencies }) => ({
    name,
    run: async () => medianOf(await latencies(REQUESTS)),
  }))
  const p50s = await interleave(arms, ROUNDS)
  for (const client of clients) await client.close()
  return resultOf(p50s)
}

function clientFor(name: string, origin: string, headers: Record<string, string>) {
  const client = new Client(origin, { pipelining: 1 })
  const once = async (): Promise<number> => {
    const startedAt = performance.now()
    const { statusCode, body } = await client.request({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json', ...headers },
      body: BODY,
    })
    const text = await body.text()
    const tookUs = (performance.now() - startedAt) * 1000
    if (statusCode !== 200 || !text.includes('You said:')) throw new Error(`${name} answered ${statusCode}`)
    return tookUs
  }
  return {
    name,
    latencies: async (requests: number) => {
      const took: number[] = []
      for (let index = 0; index < requests; index++) took.push(await once())
      return took
    },
    close: () => client.close(),
  }
}

function resultOf(p50s: ReadonlyMap<string, readonly number[]>): Result {
  const medianOver = (name: string, chosen: readonly number[]) =>
    medianOf(chosen.map((round) => p50s.get(name)?.[round] ?? Number.NaN))
  const addedOver = (name: string, chosen: readonly number[]) =>
    medianOf(
      chosen.map(
        (round) => (p50s.get(name)?.[round] ?? Number.NaN) - (p50s.get('direct')?.[round] ?? Number.NaN),
      ),
    )
  const interval = (statistic: (chosen: readonly number[]) => number) =>
    bootstrapRounds(ROUNDS, statistic, mulberry32(SEED))
  return {
    bench: 'router-latency',
    form: values.short ? 'short' : 'long',
    rounds: ROUNDS,
    requests_per_round: REQUESTS,
    p50_us: Object.fromEntries(
      [...p50s.keys()].map((name) => [name, interval((chosen) => medianOver(name, chosen))]),
    ),
    added_us: Object.fromEntries(
      ['bare_hop', 'router'].map((name) => [name, interval((chosen) => addedOver(name, chosen))]),
    ),
    added_in_hops: interval((chosen) => addedOver('router', chosen) / addedOver('bare_hop', chosen)),
    limit_hops: LIMIT_HOPS,
  }
}

function tableOf(result: Result): string {
  const show = ({ value, low, high }: Interval, digits: number) =>
    `${value.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`
  return [
    `router-latency, ${result.form}: ${result.rounds} rounds of ${result.requests_per_round} requests an arm, one at a time`,
    ...Object.entries(result.p50_us).map(([name, p50]) => `  p50 ${name.padEnd(9)} ${show(p50, 0)} us`),
    ...Object.entries(result.added_us).map(
      ([name, added]) => `  added ${name.padEnd(8)} ${show(added, 0)} us`,
    ),
    `  the router adds ${show(result.added_in_hops, 2)} bare node:http hops (target: at most ${result.limit_hops})`,
    '',
  ].join('\n')
}
