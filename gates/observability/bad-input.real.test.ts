import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { after, before, test } from 'node:test'
import { CATALOG, portAt, SERVICE_NAMES, type ServiceName } from '#catalog'
import { type Stack, startStack } from '#ops/stack.ts'
import { readSpans, type TraceSpan } from '#ops/traces/otlp-file.ts'
import { waitUntil } from '#ops/wait-until.ts'
import { createWatch, type Watch } from '#ops/watch.ts'
import { hostForTest } from '../host-for-test.ts'
import { askService } from '../runners/service-access.ts'
import { readLogLines } from './log-lines.ts'

const PORT_BASE = 22_400
const WAIT_MS = 20_000
const OURS = /^req_[A-Za-z0-9_-]{22}$/
const EVIL = 'planted-by-a-stranger'
const host = hostForTest([], env)
const address = { portBase: PORT_BASE }

let home = ''
let watch: Watch
let stack: Stack
/** What was started so far, the last first: a start that failed leaves nothing running. */
const stops: (() => Promise<unknown>)[] = []
before(async () => {
  home = mkdtempSync(join(tmpdir(), 'sonia-bad-input-'))
  const shared = { repo: host.repository, home, portBase: PORT_BASE, runId: 'run_bad_input', host }
  watch = await createWatch({ ...shared, scrapeIntervalSeconds: 1 })
  stops.unshift(() => watch.stop())
  stack = await startStack({ ...shared, ops: watch.ops })
  stops.unshift(() => stack.stop())
})
after(async () => {
  for (const stop of stops) await stop()
  rmSync(home, { recursive: true, force: true })
})

/** What a service answers to these bytes; no client library has a say in what is sent. */
function send(service: 'api-gateway' | 'pipecat', path: string, headers: readonly string[]): Promise<string> {
  const socket = connect(portAt(CATALOG[service].port, PORT_BASE), '127.0.0.1')
  const fixed = ['Host: 127.0.0.1', 'Connection: close']
  socket.write(`GET ${path} HTTP/1.1\r\n${[...fixed, ...headers].join('\r\n')}\r\n\r\n`, 'latin1')
  return new Promise((resolve, reject) => {
    let text = ''
    socket.setEncoding('latin1').setTimeout(WAIT_MS, () => socket.destroy(new Error('no answer')))
    socket.on('data', (chunk: string) => void (text += chunk))
    socket.on('end', () => resolve(text)).on('error', reject)
  })
}

const idOf = (answer: string) => /^x-correlation-id: (.*)\r$/im.exec(answer)?.[1]

/** Ids that no service may take over: replaced by one of ours, or the request is no HTTP and is refused. */
const BAD_IDS: Readonly<Record<string, readonly string[]>> = {
  'a folded line': [`X-Correlation-ID: abcdefgh\r\n ${EVIL}`],
  'a lone CR': [`X-Correlation-ID: abcdefgh\rX-Evil: ${EVIL}`],
  'a lone LF': [`X-Correlation-ID: abcdefgh\nX-Evil: ${EVIL}`],
  'a NUL': [`X-Correlation-ID: abcdefgh\0${EVIL}`],
  'an encoded line break': [`X-Correlation-ID: abcdefgh%0d%0a${EVIL}`],
  spaces: [`X-Correlation-ID: abcdefgh ${EVIL}`],
  '16 KiB': [`X-Correlation-ID: ${'a'.repeat(16_384)}`],
  '8 KiB': [`X-Correlation-ID: ${'a'.repeat(8_192)}`],
  'a repeated header': ['X-Correlation-ID: abcdefgh-1', `X-Correlation-ID: ${EVIL}`],
  'bytes that are no ASCII': ['X-Correlation-ID: abcdefgh\xe9\xff'],
  'a quote and a brace': ['X-Correlation-ID: abcdefgh","level":"ERROR"}'],
}

for (const service of ['api-gateway', 'pipecat'] as const) {
  for (const [what, headers] of Object.entries(BAD_IDS)) {
    test(`${service}: a correlation id with ${what} is neither taken over nor sent back`, async () => {
      const answer = await send(service, '/no/such/route', headers)
      const [status = ''] = answer.split('\r\n')
      assert.match(status, /^HTTP\/1\.1 (?:404|400|431) /)
      assert.doesNotMatch(answer, new RegExp(EVIL))
      const id = idOf(answer)
      if (status.includes('404')) assert.match(id ?? '', OURS)
      else if (id !== undefined) assert.match(id, OURS)
    })
  }
}

test('a good id is kept, so that the refusals above mean something', async () => {
  assert.equal(
    idOf(await send('api-gateway', '/no/such/route', ['X-Correlation-ID: a-good-id-1'])),
    'a-good-id-1',
  )
})

test('nothing of it reached a log: every line is valid, and none holds what was planted', async () => {
  const isWritten = async () => {
    const reading = await readLogLines([home], {
      schemaFile: join(host.repository, 'services', 'chassis', 'log-line.schema.json'),
      isWanted: (id) => id === 'a-good-id-1',
    })
    return reading.services.get('a-good-id-1') === undefined ? undefined : reading
  }
  const reading = await waitUntil(isWritten, { clock: host.clock, timeoutMs: WAIT_MS, intervalMs: 100 })
  assert.deepEqual(reading?.invalid, [])
  for (const name of readdirSync(join(home, 'logs'))) {
    assert.equal(readFileSync(join(home, 'logs', name), 'utf8').includes(EVIL), false, name)
  }
})

test('a forged traceparent, tracestate and baggage lead neither into a foreign trace nor onward', async () => {
  const forged = 'a'.repeat(32)
  for (const [flags, id] of [
    ['01', 'forged-sampled'],
    ['00', 'forged-unsampled'],
  ] as const) {
    const answer = await askService(address, 'api-gateway', {
      path: '/v1/chat',
      body: { message: 'hello' },
      headers: {
        'x-correlation-id': id,
        traceparent: `00-${forged}-${'b'.repeat(16)}-${flags}`,
        tracestate: `vendor=${EVIL}`,
        baggage: `user=${EVIL}`,
      },
    })
    assert.equal(answer.status, 200)
    const spans = await spansOf(id)
    const services = new Set(spans.map(({ service }) => service))
    // The flag of a stranger does not switch sampling off either: the whole way is there.
    for (const service of ['api-gateway', 'memory-engine', 'model-router'])
      assert.ok(services.has(service), service)
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1)
    assert.equal(
      spans.some(({ traceId }) => traceId === forged),
      false,
    )
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined)
    assert.deepEqual(
      roots.map(({ service, links }) => [service, links[0]?.traceId]),
      [['api-gateway', forged]],
    )
    const text = JSON.stringify(spans, (_key, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
    assert.doesNotMatch(text, new RegExp(EVIL))
  }
})

async function spansOf(correlationId: string): Promise<readonly TraceSpan[]> {
  const complete = async () => {
    const all = await readSpans(watch.collectorFolder, () => true)
    const own = all.filter(({ attributes }) => attributes['sonia.correlation_id'] === correlationId)
    const traceIds = new Set(own.map(({ traceId }) => traceId))
    const spans = all.filter(({ traceId }) => traceIds.has(traceId))
    const hasRoot = spans.some(({ parentSpanId }) => parentSpanId === undefined)
    return hasRoot && new Set(spans.map(({ service }) => service)).size >= 3 ? spans : undefined
  }
  const spans = await waitUntil(complete, { clock: host.clock, timeoutMs: WAIT_MS, intervalMs: 200 })
  assert.ok(spans, `the spans of ${correlationId} did not come`)
  return spans
}

/** Everything a stranger may choose and that might end as a label: another value each time. */
async function sayStrangeThings(number: number): Promise<void> {
  const strange = `${EVIL}-${number}`
  const ask = (path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
    askService(address, 'api-gateway', { path, headers, ...(body === undefined ? {} : { body }) })
  await ask(`/${strange}`)
  await ask(`/v1/sessions/${strange}`)
  await ask('/v1/chat', { message: strange, model: strange })
  await ask('/v1/action', { tool_name: strange, args: { [strange]: strange } })
  await ask('/v1/action', { tool_name: 'shell.run', args: { command: strange } })
  await ask('/v1/turn', { user_id: strange, conversation_id: strange, input_text: strange })
  await ask('/v1/chat', { message: 'hello' }, { 'x-correlation-id': strange, 'user-agent': strange })
  await askService(address, 'openclaw', { path: `/${strange}`, headers: { 'x-service-name': strange } })
  await askService(address, 'memory-engine', {
    path: '/search',
    body: {},
    headers: { 'x-service-token': strange },
  })
}

/** Series of a service; the buckets of a histogram are one, and what a loaded machine sheds says nothing of labels. */
async function seriesOf(service: ServiceName): Promise<ReadonlySet<string>> {
  const { body } = await askService(address, service, { path: '/metrics' })
  // What Node tells of itself comes in its own time, as the first collection of a kind of garbage does.
  const lines = String(body)
    .split('\n')
    .filter((line) => !/^(?:$|#|nodejs_|process_)|"OVERLOADED"|status="503"/.test(line))
  return new Set(
    lines.map((line) => line.replace(/[ ,{]?le="[^"]*",?/, '').replace(/} .*$|(?<![{,]) .*$/, '')),
  )
}

const VALUES = 20
/** An operation of the database that happens now and then may be seen for the first time; values of strangers are 20. */
const SEEN_LATE_MAX = 6

test('what strangers choose becomes no label: the same kinds of requests add no series', async () => {
  // What eva-os sees of its neighbours, it sees by itself sooner or later; it is not for strangers to bring.
  await askService(address, 'eva-os', { path: '/health/all' })
  // Each kind under two values: from then on all series that they make are there.
  await sayStrangeThings(0)
  await sayStrangeThings(1)
  const before = await Promise.all(SERVICE_NAMES.map(seriesOf))
  for (let number = 2; number < 2 + VALUES; number += 1) await sayStrangeThings(number)
  for (const [index, service] of SERVICE_NAMES.entries()) {
    const now = await seriesOf(service)
    const added = [...now.difference(before[index] ?? new Set())]
    assert.ok(added.length <= SEEN_LATE_MAX, `${service}: ${added.join('\n')}`)
    const strange = [...now].filter((line) => line.includes(EVIL))
    assert.deepEqual(strange, [], service)
  }
})
