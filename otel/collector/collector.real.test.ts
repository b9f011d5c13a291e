import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse, stringify } from 'yaml'
import { portAt, WATCH_PORTS } from '#catalog'
import { testHost } from '#ops/fixtures/test-host.ts'
import { takenPorts } from '#ops/process/listening-ports.ts'
import { renderCollectorConfig } from '#ops/rendering/collector-config.ts'
import { waitUntil } from '#ops/wait-until.ts'
import { locateTool } from '#tools/locate.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const TEMPLATE = readFileSync(new URL('config.yaml', import.meta.url), 'utf8')
const MAIN = join(REPOSITORY, 'services', 'chassis', 'fixtures', 'memory-engine', 'main.ts')
const PORT_BASE = 27_400
/** memory-engine listens at port base + 20. */
const URL_BASE = `http://127.0.0.1:${PORT_BASE + 20}`
const COLLECTOR_URL = `http://127.0.0.1:${portAt(WATCH_PORTS.collector, PORT_BASE)}`
const COLLECTOR_METRICS = `http://127.0.0.1:${portAt(WATCH_PORTS.collectorMetrics, PORT_BASE)}/metrics`
const REQUESTS = 100
const WAIT_MS = 30_000
/** SIGTERM to exit, as promised. */
const STOP_MS = 2_000

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sonia-collector-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function eventually(what: string, ask: () => Promise<boolean>): Promise<void> {
  const isSo = async () => ((await ask().catch(() => false)) ? true : undefined)
  const seen = await waitUntil(isSo, { clock: testHost.clock, timeoutMs: WAIT_MS, intervalMs: 50 })
  assert.equal(seen, true, `${what} was not seen within ${WAIT_MS} ms`)
}

const isUp = (url: string) => async () => (await fetch(url)).ok

function running(t: TestContext, child: ChildProcess): ChildProcess {
  t.after(() => child.kill('SIGKILL'))
  return child
}

interface CollectorTemplate {
  processors: { memory_limiter: { limit_mib: number; spike_limit_mib: number } }
}

/** The Collector as it is built, with the committed configuration but for what `change` does to it. */
async function startCollector(
  t: TestContext,
  plant: { readonly tracesFile?: string; readonly change?: (config: CollectorTemplate) => void } = {},
): Promise<ChildProcess> {
  const folder = temporaryFolder(t)
  const tracesFile = plant.tracesFile ?? join(folder, 'traces.jsonl')
  const config = parse(
    renderCollectorConfig(TEMPLATE, { portBase: PORT_BASE, tracesFile }),
  ) as CollectorTemplate
  plant.change?.(config)
  const path = join(folder, 'config.yaml')
  writeFileSync(path, stringify(config))
  const { path: program } = await locateTool('otelcol', { ...testHost, repository: REPOSITORY })
  const child = running(
    t,
    spawn(program, [`--config=${path}`], { env: { PATH: env['PATH'] }, stdio: 'ignore' }),
  )
  await eventually(
    'the Collector',
    isUp(`http://127.0.0.1:${portAt(WATCH_PORTS.collectorHealth, PORT_BASE)}/`),
  )
  return child
}

/** A service whose spans go to the Collector of this test, whether there is one or not. */
async function startService(t: TestContext): Promise<ChildProcess> {
  assert.deepEqual(takenPorts([PORT_BASE + 20]), [])
  const register = join(REPOSITORY, 'otel', 'register.ts')
  const child = spawn(process.execPath, ['--import', register, MAIN], {
    env: {
      SONIA_HOME: temporaryFolder(t),
      SONIA_RUN: 'run-collector',
      SONIA_PORT_BASE: String(PORT_BASE),
      OTEL_EXPORTER_OTLP_ENDPOINT: COLLECTOR_URL,
    },
    stdio: 'ignore',
  })
  running(t, child)
  await eventually('the service', isUp(`${URL_BASE}/readyz`))
  return child
}

/** Every request is answered, and the Collector has no part in how fast. */
async function assertUnaffected(): Promise<void> {
  const times: number[] = []
  for (let sent = 0; sent < REQUESTS; sent += 1) {
    const startedMs = performance.now()
    const answer = await fetch(`${URL_BASE}/hello`)
    await answer.text()
    assert.equal(answer.status, 200)
    times.push(performance.now() - startedMs)
  }
  const median = times.toSorted((a, b) => a - b)[REQUESTS / 2] ?? Number.NaN
  assert.ok(median < 100, `half of the requests took more than ${median} ms`)
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(url)).text()
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  assert.notEqual(lines.length, 0, `${name} is not exposed`)
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

const droppedSpans = () => metric(`${URL_BASE}/metrics`, 'sonia_spans_dropped_total')

/** `/hello` makes two spans. */
async function assertAllDropped(): Promise<void> {
  await eventually('every span counted as dropped', async () => (await droppedSpans()) >= 2 * REQUESTS)
}

async function assertStopsInTime(service: ChildProcess): Promise<void> {
  const startedMs = performance.now()
  const ended = once(service, 'exit') as Promise<[number | null]>
  service.kill('SIGTERM')
  const [code] = await ended
  const tookMs = performance.now() - startedMs
  assert.equal(code, 0)
  assert.ok(tookMs < STOP_MS, `it took ${tookMs} ms`)
}

test('with a Collector that is well nothing is dropped, and all that it took is written', async (t) => {
  await startCollector(t)
  const service = await startService(t)
  await assertUnaffected()
  await eventually('every span written', async () => {
    const written = await metric(COLLECTOR_METRICS, 'otelcol_exporter_sent_spans_total')
    return written >= 2 * REQUESTS
  })
  assert.equal(await droppedSpans(), 0)
  assert.equal(await metric(COLLECTOR_METRICS, 'otelcol_receiver_refused_spans_total'), 0)
  assert.equal(await metric(COLLECTOR_METRICS, 'otelcol_receiver_failed_spans_total'), 0)
  await assertStopsInTime(service)
})

test('dead Collector: requests unaffected, every span counted as dropped, stop within 2 s', async (t) => {
  const service = await startService(t)
  await assertUnaffected()
  await assertAllDropped()
  await assertUnaffected()
  await assertStopsInTime(service)
})

test('Collector that hangs (SIGSTOP): requests unaffected, every span counted, stop within 2 s', async (t) => {
  const collector = await startCollector(t)
  const service = await startService(t)
  collector.kill('SIGSTOP')
  await assertUnaffected()
  await assertAllDropped()
  await assertUnaffected()
  await assertStopsInTime(service)
})

test('Collector that dies under the service: what it no longer takes is counted', async (t) => {
  const collector = await startCollector(t)
  const service = await startService(t)
  await assertUnaffected()
  collector.kill('SIGKILL')
  await once(collector, 'exit')
  await assertUnaffected()
  await assertAllDropped()
  await assertStopsInTime(service)
})

test('Collector out of memory: it refuses and counts, so does the service, requests unaffected', async (t) => {
  await startCollector(t, {
    change: (config) => Object.assign(config.processors.memory_limiter, { limit_mib: 2, spike_limit_mib: 1 }),
  })
  const service = await startService(t)
  // It looks at its memory once a second.
  await eventually('a refusal', async () => {
    await assertUnaffected()
    return (await metric(COLLECTOR_METRICS, 'otelcol_receiver_refused_spans_total')) > 0
  })
  await assertUnaffected()
  await eventually('dropped spans', async () => (await droppedSpans()) > 0)
  await assertStopsInTime(service)
})

test('Collector on a full disk: the service cannot know, the Collector counts what it lost', async (t) => {
  await startCollector(t, { tracesFile: '/dev/full' })
  const service = await startService(t)
  await assertUnaffected()
  await eventually('a failed write', async () => {
    const lost = await metric(COLLECTOR_METRICS, 'otelcol_exporter_send_failed_spans_total')
    return lost >= 2 * REQUESTS
  })
  await assertStopsInTime(service)
})
