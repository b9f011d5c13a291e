import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { trace } from '@opentelemetry/api'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { Type } from 'typebox'
import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { defineService } from './define-service.ts'
import { parseOpenMetrics } from './open-metrics-parser.ts'
import { mergeOpenMetrics } from './open-metrics.ts'
import { eventually, startForTest, type TestService } from './testing.ts'

const FROM_OPENTELEMETRY = [
  '# HELP otel_sdk_exporter_span_exported_total Spans "taken"',
  '# UNIT otel_sdk_exporter_span_exported_total {span}',
  '# TYPE otel_sdk_exporter_span_exported_total counter',
  'otel_sdk_exporter_span_exported_total{outcome="exported"} 12',
  '',
  '# HELP odd_total_things description missing',
  '# TYPE odd_total_things untyped',
  'odd_total_things 1',
  '',
].join('\n')

const OWN = '# HELP a A\n# TYPE a counter\na_total 1\n# EOF\n'

for (const [what, text] of [
  ['a UNIT that is no suffix of its name', '# TYPE a counter\n# UNIT a seconds\na_total 1\n# EOF\n'],
  ['the type untyped', '# TYPE a untyped\na 1\n# EOF\n'],
  ['a blank line', '# TYPE a gauge\n\na 1\n# EOF\n'],
  ['no EOF', '# TYPE a gauge\na 1\n'],
  ['something after EOF', '# TYPE a gauge\na 1\n# EOF\nb 1\n'],
  ['a counter sample without _total', '# TYPE a counter\na 1\n# EOF\n'],
  ['a family in two pieces', '# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\na{x="y"} 1\n# EOF\n'],
  ['the same series twice', '# TYPE a gauge\na{x="y"} 1\na{x="y"} 2\n# EOF\n'],
  [
    'buckets that fall',
    '# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n# EOF\n',
  ],
  ['a histogram without +Inf', '# TYPE a histogram\na_bucket{le="1"} 2\na_sum 1\na_count 2\n# EOF\n'],
  ['an exemplar on a gauge', '# TYPE a gauge\na 1 # {trace_id="x"} 1 1\n# EOF\n'],
  ['an unescaped quote', '# TYPE a gauge\na{x="y"z"} 1\n# EOF\n'],
] as const) {
  test(`the second parser refuses ${what}`, () => {
    assert.throws(() => parseOpenMetrics(text))
  })
}

test('both halves become one document that the second parser takes', () => {
  const families = parseOpenMetrics(mergeOpenMetrics(OWN, FROM_OPENTELEMETRY))
  assert.deepEqual([...families.keys()], ['a', 'otel_sdk_exporter_span_exported', 'odd_total_things'])
  assert.equal(families.get('odd_total_things')?.type, 'unknown')
})

test('without metrics of OpenTelemetry the document stays valid', () => {
  assert.deepEqual([...parseOpenMetrics(mergeOpenMetrics(OWN, '# no registered metrics')).keys()], ['a'])
})

const probeOf = (name: ServiceName) =>
  defineService({
    name,
    config: Type.Object({}),
    setup: ({ app }) => {
      app.get('/x/:id', { config: { auth: 'open' } }, () => ({ ok: true }))
    },
  })

const services: (TestService & { readonly url: string })[] = []
before(async () => {
  // Sampled spans, as in a real process: without them there are no exemplars to parse.
  trace.setGlobalTracerProvider(new TracerProvider({}))
  for (const name of SERVICE_NAMES) services.push(await startForTest(probeOf(name)))
  for (const service of services) {
    await service.app.inject({ url: '/x/"quoted\\' })
    await service.app.inject({ url: '/nope' })
  }
})
after(() => Promise.all(services.map((service) => service.stop())))

test('the second parser takes what each of the six services exposes, exemplars too', async () => {
  for (const service of services) {
    const answer = await service.app.inject({ url: '/metrics' })
    assert.equal(answer.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8')
    const families = parseOpenMetrics(mergeOpenMetrics(answer.body, FROM_OPENTELEMETRY))
    const durations = families.get('sonia_http_request_duration_seconds')
    assert.equal(durations?.type, 'histogram')
    const exemplar = durations.samples.find((sample) => sample.exemplar !== undefined)?.exemplar
    assert.match(exemplar?.labels.get('trace_id') ?? '', /^[0-9a-f]{32}$/)
    assert.equal(families.get('sonia_http_requests_started')?.type, 'counter')
    assert.ok(families.has('nodejs_eventloop_lag_seconds'))
  }
})

// Built by ./sonia tools. Without it this one is counted as skipped, never as passed.
const prometheus = fileURLToPath(new URL('../../.tools/bin/prometheus', import.meta.url))
const isMissing = existsSync(prometheus) ? false : 'Prometheus is not built: ./sonia tools build'

test('a real Prometheus takes all six targets and keeps their exemplars', { skip: isMissing }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sonia-prometheus-'))
  const port = await freePort()
  const targets = services.map((service) => new URL(service.url).host)
  // JSON is YAML.
  const config = {
    global: { scrape_interval: '200ms', scrape_timeout: '200ms' },
    scrape_configs: [{ job_name: 'sonia', static_configs: [{ targets }] }],
  }
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const child = spawn(
    prometheus,
    [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
    ],
    { stdio: 'ignore' },
  )
  const ended = once(child, 'exit')
  t.after(async () => {
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true, force: true })
  })
  const ask = (path: string) => askPrometheus(`http://127.0.0.1:${port}${path}`)
  await eventually(
    async () => (await ask('/api/v1/query?query=count(up==1)'))?.includes('"6"') === true,
    20_000,
  )
  assert.match(
    (await ask('/api/v1/query?query=sonia_service_status')) ?? '',
    /"__name__":"sonia_service_status"/,
  )
  const now = Date.now() / 1000
  const exemplars = await ask(
    `/api/v1/query_exemplars?query=sonia_http_request_duration_seconds_bucket&start=${now - 60}&end=${now + 60}`,
  )
  assert.match(exemplars ?? '', /"trace_id":"[0-9a-f]{32}"/)
})

async function askPrometheus(url: string): Promise<string | undefined> {
  try {
    return await (await fetch(url)).text()
  } catch {
    return undefined
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
