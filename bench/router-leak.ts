import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { stdout } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startProgram, stopChild } from './lib/child-process.ts'
import { growthOf } from './lib/growth.ts'
import { type LoadCounts, sendMixedLoad } from './lib/mixed-load.ts'
import { serveJson } from './lib/serve-json.ts'
import type { Holdings, SubjectHello } from './lib/router-subject.ts'

// Whether anything stays behind in the router: requests of which a fifth are streams that their client leaves (before
// the first token or after it), then what the process still holds, and how its heap grew after forced collections.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const POINTS = values.short ? 5 : 11
const REQUESTS_A_POINT = values.short ? 100 : 10_000
const WARM_UP = values.short ? 200 : 20_000
const HEAP_LIMIT_BYTES = 100
const PORTION = 1000
/** Spans and log lines leave in batches; what waits for its batch is no growth. */
const FLUSH_MS = values.short ? 200 : 2_500
/** Longer than kept connections of either side live unused. */
const QUIET_MS_MAX = values.short ? 3_000 : 90_000

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const double = await startProgram([program('../gates/doubles/upstream-main.ts')])
const doubleOrigin = `http://127.0.0.1:${String(double.hello['port'])}`
await plantFaults()
// Without an ear for its spans the router would hold a queue of them, and that would look like growth.
const collector = await serveJson(0, '{}')
const { port: collectorPort } = collector.address() as AddressInfo
const subject = fork(program('./lib/router-subject.ts'), [`${doubleOrigin}/v1`], {
  execArgv: ['--expose-gc', '--import', program('../otel/register.ts')],
  env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collectorPort}` },
})
try {
  const result = await measure()
  stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : tableOf(result))
} finally {
  await stopChild(subject)
  collector.closeAllConnections()
  collector.close()
  await double.stop()
}

/** Requests for these models never end by themselves: their client will leave. */
async function plantFaults(): Promise<void> {
  const rules = [
    { model: 'silent', fault: { kind: 'stall_before_token' } },
    { model: 'stalling', fault: { kind: 'stall_after_token', tokens: 2 } },
  ]
  const answer = await fetch(`${doubleOrigin}/double/faults`, { method: 'PUT', body: JSON.stringify(rules) })
  if (!answer.ok) throw new Error('the double refused the faults')
}

async function measure() {
  await load(WARM_UP)
  const before = await quietHoldings(null)
  const points: { requests: number; value: number }[] = [{ requests: 0, value: before.heapBytes }]
  const counts: LoadCounts = { whole: 0, streamed: 0, aborted: 0, shed: 0 }
  for (let point = 1; point < POINTS; point++) {
    const done = await load(REQUESTS_A_POINT)
    for (const kind of ['whole', 'streamed', 'aborted', 'shed'] as const) counts[kind] += done[kind]
    await sleep(FLUSH_MS)
    points.push({ requests: point * REQUESTS_A_POINT, value: (await holdings()).heapBytes })
  }
  const after = await quietHoldings(before)
  const upstream = (await (await fetch(`${doubleOrigin}/double/state`)).json()) as { in_flight: number }
  const { perRequest, upper95 } = growthOf(points)
  return {
    bench: 'router-leak',
    form: values.short ? 'short' : 'long',
    requests: (POINTS - 1) * REQUESTS_A_POINT,
    ...counts,
    heap_bytes: points,
    heap_growth_bytes_per_request: perRequest,
    heap_growth_upper_95: upper95,
    heap_growth_limit: HEAP_LIMIT_BYTES,
    left: {
      sockets: after.sockets - before.sockets,
      timers: after.timers - before.timers,
      listeners: after.listeners - before.listeners,
      upstream_requests: upstream.in_flight,
    },
  }
}

/** In portions, each with a token of its own: on a slow machine a long load would outlive one. */
async function load(requests: number): Promise<LoadCounts> {
  const counts: LoadCounts = { whole: 0, streamed: 0, aborted: 0, shed: 0 }
  for (let left = requests; left > 0; left -= PORTION) {
    const done = await sendMixedLoad((await ask('hello')) as SubjectHello, Math.min(left, PORTION))
    for (const kind of ['whole', 'streamed', 'aborted', 'shed'] as const) counts[kind] += done[kind]
  }
  return counts
}

async function holdings(): Promise<Holdings> {
  return (await ask('measure')) as Holdings
}

async function ask(question: 'hello' | 'measure'): Promise<unknown> {
  const answer = once(subject, 'message')
  subject.send(question)
  return ((await answer) as [unknown])[0]
}

/** Asks until kept connections have closed by themselves: no more sockets than before, or no change for a while. */
async function quietHoldings(before: Holdings | null): Promise<Holdings> {
  const until = performance.now() + QUIET_MS_MAX
  let held = await holdings()
  let unchanged = 0
  while (performance.now() < until) {
    if (before === null ? unchanged >= 6 : held.sockets <= before.sockets && held.timers <= before.timers)
      break
    await sleep(1000)
    const next = await holdings()
    unchanged = next.sockets === held.sockets && next.timers === held.timers ? unchanged + 1 : 0
    held = next
  }
  return held
}

function tableOf(result: Awaited<ReturnType<typeof measure>>): string {
  const { left } = result
  return [
    `router-leak, ${result.form}: ${result.requests} requests (${result.aborted} streams left by their client, ${result.shed} refused)`,
    `  heap ${result.heap_growth_bytes_per_request.toFixed(1)} bytes a request, upper 95 % bound ${result.heap_growth_upper_95.toFixed(1)} (target: under ${result.heap_growth_limit})`,
    `  left behind: ${left.sockets} sockets, ${left.timers} timers, ${left.listeners} listeners, ${left.upstream_requests} upstream requests (target: 0)`,
    '',
  ].join('\n')
}
