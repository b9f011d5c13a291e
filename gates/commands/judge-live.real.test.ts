import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { prometheusClient } from '../engine/prometheus-client.ts'
import { PROMETHEUS_FILE } from '../evidence/testing-tools.ts'
import { hostForTest } from '../host-for-test.ts'
import { runProgram } from '../program.ts'

const EXAMPLE = 'gates/criteria/examples/exporter.yaml'
const WINDOW_SECONDS = 15
let folder = ''
let url = ''
const stops: (() => unknown)[] = []

/** Somebody else's process as its exporter shows it: 2,000 requests a second, of which so many fail. */
async function serveExporter(failing: number): Promise<string> {
  const startedMs = performance.now()
  const server: Server = createServer((_, response) => {
    const requests = Math.floor((performance.now() - startedMs) * 2)
    const lines = [
      'process_start_time_seconds 1000',
      `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
      `http_requests_total{code="200"} ${requests}`,
      `http_requests_total{code="503"} ${Math.floor(requests * failing)}`,
    ]
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(`${lines.join('\n')}\n`)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  stops.push(
    () => server.close(),
    () => server.closeAllConnections(),
  )
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function startPrometheus(targets: Readonly<Record<string, string>>): Promise<string> {
  const jobs = Object.entries(targets).map(
    ([job, target]) =>
      `  - job_name: ${job}\n    static_configs: [{targets: ['${target}'], labels: {instance: ${job}-1}}]\n`,
  )
  const config = join(folder, 'prometheus.yml')
  await writeFile(
    config,
    `global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n${jobs.join('')}`,
  )
  const child = spawn(
    PROMETHEUS_FILE,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      '--log.format=json',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder },
  )
  stops.push(() => {
    child.kill('SIGTERM')
    return once(child, 'exit')
  })
  let said = ''
  for await (const chunk of child.stderr.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += String(chunk)
    const [, address] = /"msg":"Listening on","[^\n]*?"?address":"([^"]+)"/u.exec(said) ?? []
    if (address !== undefined) {
      child.stderr.resume()
      return `http://${address}`
    }
  }
  throw new Error(said)
}

/** The end of the first window in which every target was scraped every second. */
async function untilRecorded(): Promise<number> {
  const client = prometheusClient({ url })
  const whole = `count(sum_over_time(up[${WINDOW_SECONDS}s]) >= ${WINDOW_SECONDS}) == bool 2`
  const deadline = AbortSignal.timeout(120_000)
  for (;;) {
    deadline.throwIfAborted()
    const now = Math.floor(Date.now() / 1000)
    const { data } = await client.instant(whole, now)
    if (data[0]?.value === '1') return now
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

let end = 0

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sonia-judge-live-'))
  url = await startPrometheus({ shop: await serveExporter(0.001), broken: await serveExporter(0.01) })
  end = await untilRecorded()
})

after(async () => {
  for (const stop of stops.toReversed()) await stop()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

async function judge(job: string, until = end) {
  const from = new Date((until - WINDOW_SECONDS) * 1000).toISOString().replace('.000', '')
  const source = ['--criteria', EXAMPLE, '--prometheus', url, '--from', from, '--to', `${until}`]
  const stack = ['--param', `JOB=${job}`, `INSTANCES=${job}-1,`, 'INSTANCE_COUNT=1', 'S=1']
  const host = hostForTest(['judge', ...source, ...stack])
  return { exitCode: await runProgram(host), ...host.printed }
}

test('a running exporter of somebody else passes by the example file while a running Prometheus watches it', async () => {
  const { exitCode, stdout } = await judge('shop')
  assert.equal(exitCode, 0, stdout)
  assert.match(stdout, /PASS +exporter\.restarts/)
  const [, share] = /PASS +exporter\.errors +.*: ([\d.]+) % of \d+/.exec(stdout) ?? []
  // Whole requests: in a window of 28,000 one failure more or less than 28 is 0.0036 %.
  assert.ok(Math.abs(Number(share) - 0.1) < 0.0075, stdout)
  assert.match(stdout, /NOT_JUDGED +exporter\.memory .*needs a window of at least 36 h/)
})

test('the one beside it fails too many requests, and the judge says so', async () => {
  const { exitCode, stdout } = await judge('broken')
  assert.equal(exitCode, 1, stdout)
  assert.match(stdout, /FAIL +exporter\.errors/)
})

test('an exporter that nobody scrapes, and an hour before the first scrape, are no PASS', async () => {
  for (const { exitCode, stdout } of [await judge('nobody'), await judge('shop', end - 3600)]) {
    assert.equal(exitCode, 2, stdout)
    assert.doesNotMatch(stdout, /^PASS/m)
  }
})
