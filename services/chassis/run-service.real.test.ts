import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { eventually } from './testing.ts'

const REGISTER = fileURLToPath(new URL('../../otel/register.ts', import.meta.url))
const MAIN = fileURLToPath(new URL('fixtures/memory-engine/main.ts', import.meta.url))
const isValidLine = new Ajv({ strict: false }).compile(
  JSON.parse(readFileSync(new URL('log-line.schema.json', import.meta.url), 'utf8')) as object,
)
/** memory-engine listens at port base + 20. */
const OFFSET = 20

let home: string
let port: number
const homes: string[] = []
const children = new Set<ChildProcess>()

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sonia-run-'))
  homes.push(home)
  port = await freePort()
})
after(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const one of homes) await rm(one, { recursive: true, force: true })
})

interface Running {
  readonly child: ChildProcess
  readonly stderr: () => string
  /** Exit code, and the milliseconds from this call to the exit. */
  ended(): Promise<{ readonly code: number | null; readonly ms: number }>
}

function start(env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, ['--import', REGISTER, MAIN], {
    env: { SONIA_HOME: home, SONIA_RUN: 'run-7', SONIA_PORT_BASE: String(port - OFFSET), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  children.add(child)
  let stderr = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const exit = once(child, 'exit') as Promise<[number | null]>
  return {
    child,
    stderr: () => stderr,
    ended: async () => {
      const startedAtMs = performance.now()
      const [code] = await exit
      children.delete(child)
      return { code, ms: performance.now() - startedAtMs }
    },
  }
}

const url = (path: string) => `http://127.0.0.1:${port}${path}`

async function startReady(env?: Readonly<Record<string, string>>): Promise<Running> {
  const running = start(env)
  await eventually(
    () =>
      fetch(url('/readyz')).then(
        (answer) => answer.ok,
        () => false,
      ),
    20_000,
  )
  return running
}

function logLines(): Record<string, unknown>[] {
  const lines = readFileSync(join(home, 'logs', 'memory-engine.log'), 'utf8')
    .split('\n')
    .slice(0, -1)
  return lines.map((text) => {
    const line = JSON.parse(text) as Record<string, unknown>
    assert.ok(isValidLine(line), text)
    return line
  })
}

test('readiness says the run it belongs to; SIGTERM with a dead Collector ends in 2 s with exit 0 and a whole log', async () => {
  const running = await startReady()
  const ready = (await (await fetch(url('/readyz'))).json()) as { run_id: string }
  assert.equal(ready.run_id, 'run-7')
  await (await fetch(url('/hello'), { headers: { 'x-correlation-id': 'corr-real-1' } })).text()
  running.child.kill('SIGTERM')
  const { code, ms } = await running.ended()
  assert.equal(code, 0, running.stderr())
  assert.ok(ms < 2_000, `${ms} ms`)
  const ours = logLines().filter((line) => line['correlation_id'] === 'corr-real-1')
  assert.deepEqual(
    ours.map((line) => line['operation']),
    ['greet', 'GET /hello'],
  )
  assert.ok(ours.every((line) => line['trace_id'] === ours[0]?.['trace_id'] && line['trace_id'] !== null))
  assert.ok(logLines().some((line) => line['message'] === 'fixture stopped'))
})

test('a request in flight finishes while the service drains, and nobody new is let in', async () => {
  const running = await startReady()
  const slow = fetch(url('/slow'))
  await eventually(() => metricAbove('sonia_http_requests_in_flight{route="/slow",caller="external"}', 0))
  running.child.kill('SIGTERM')
  const answer = await slow
  assert.deepEqual(await answer.json(), { done: true })
  assert.equal((await running.ended()).code, 0)
  await assert.rejects(fetch(url('/healthz')))
})

test('a request that never ends does not hold up the stop', async () => {
  const running = await startReady()
  const stuck = fetch(url('/stuck')).catch(() => undefined)
  await eventually(() => metricAbove('sonia_http_requests_in_flight{route="/stuck",caller="external"}', 0))
  running.child.kill('SIGTERM')
  const { code, ms } = await running.ended()
  assert.equal(code, 0)
  assert.ok(ms < 2_000, `${ms} ms`)
  await stuck
})

test('a second signal ends at once, with the log on the disk', async () => {
  const running = await startReady()
  const stuck = fetch(url('/stuck')).catch(() => undefined)
  await eventually(() => metricAbove('sonia_http_requests_in_flight{route="/stuck",caller="external"}', 0))
  running.child.kill('SIGTERM')
  await eventually(() =>
    fetch(url('/healthz')).then(
      () => false,
      () => true,
    ),
  )
  running.child.kill('SIGINT')
  assert.equal((await running.ended()).code, 130)
  await stuck
  assert.ok(logLines().some((line) => line['message'] === 'draining'))
})

test('an uncaught error ends with 70, and the log tells it', async () => {
  const running = await startReady()
  await fetch(url('/crash'), { method: 'POST' }).catch(() => undefined)
  assert.equal((await running.ended()).code, 70)
  const fatal = logLines().find((line) => line['level'] === 'FATAL')
  assert.deepEqual(fatal?.['error'], { code: 'INTERNAL_ERROR', message: 'planted crash' })
})

test('a port that is taken ends with 69 and one sentence', async () => {
  const other = createSocketServer()
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
  const running = start()
  assert.equal((await running.ended()).code, 69)
  assert.match(
    running.stderr(),
    new RegExp(`memory-engine: port ${port} on 127.0.0.1 cannot be used \\(EADDRINUSE\\)\n$`),
  )
  other.close()
})

test('a bad configuration ends with 65 and names every problem', async () => {
  await mkdir(join(home, 'config'))
  const bad = { log_level: 'LOUD', bind: '0.0.0.0', services: { 'memory-engine': { tpyo: 1 } } }
  await writeFile(join(home, 'config', 'sonia.json'), JSON.stringify(bad))
  const running = start()
  assert.equal((await running.ended()).code, 65)
  assert.match(running.stderr(), /log_level/)
  assert.match(running.stderr(), /unknown setting "tpyo"/)
  assert.match(running.stderr(), /api_keys first/)
  assert.equal(existsSync(join(home, 'logs')), false)
})

interface OtlpSpan {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly links?: readonly { readonly traceId: string }[]
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[]
}

test('spans reach a Collector with their names, nesting and attributes; a stranger cannot join a trace', async () => {
  const spans: OtlpSpan[] = []
  const collector = await startCollector(spans)
  const running = await startReady({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
  const stranger = 'a'.repeat(32)
  await (
    await fetch(url('/hello?secret=1'), {
      headers: { traceparent: `00-${stranger}-${'b'.repeat(16)}-01`, 'x-correlation-id': 'corr-span-1' },
    })
  ).text()
  running.child.kill('SIGTERM')
  assert.equal((await running.ended()).code, 0)
  collector.server.close()
  const serverSpan = spans.find(({ name }) => name === 'GET /hello')
  const inner = spans.find(({ name }) => name === 'greet')
  assert.equal(inner?.parentSpanId, serverSpan?.spanId)
  assert.equal(inner?.traceId, serverSpan?.traceId)
  assert.notEqual(serverSpan?.traceId, stranger)
  assert.equal(serverSpan?.links?.[0]?.traceId, stranger)
  const attributes = new Map(serverSpan?.attributes.map(({ key, value }) => [key, value.stringValue]))
  assert.equal(attributes.get('url.path'), '/hello')
  assert.equal(attributes.get('sonia.correlation_id'), 'corr-span-1')
  assert.equal(attributes.get('http.route'), '/hello')
  assert.equal(spans.filter(({ name }) => name.includes('readyz')).length, 0)
})

test('what a dead Collector does not take is counted as dropped', async () => {
  const running = await startReady()
  await (await fetch(url('/hello'))).text()
  await eventually(() => metricAbove('sonia_spans_dropped_total', 1), 10_000)
  running.child.kill('SIGTERM')
  assert.equal((await running.ended()).code, 0)
})

async function metricAbove(series: string, bound: number): Promise<boolean> {
  const text = await (await fetch(url('/metrics'))).text()
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? Number.NaN) > bound
}

async function startCollector(spans: OtlpSpan[]): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(text) as {
        resourceSpans: readonly { scopeSpans: readonly { spans: readonly OtlpSpan[] }[] }[]
      }
      for (const { scopeSpans } of resourceSpans) spans.push(...scopeSpans.flatMap((scope) => scope.spans))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Low enough that the ports of the whole set exist above it. */
async function freePort(): Promise<number> {
  for (;;) {
    const candidate = await anyFreePort()
    if (candidate < 59_000) return candidate
  }
}

async function anyFreePort(): Promise<number> {
  const server = createSocketServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: free } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return free
}
