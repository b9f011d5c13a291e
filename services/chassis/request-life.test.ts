import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { Type } from 'typebox'
import { defineService } from './define-service.ts'
import type { ServiceError } from './errors.ts'
import { eventually, startForTest, type TestService } from './testing.ts'

/** Requests that wait until the test lets them go, and what became of their signal. */
const held = new Map<string, () => void>()
const aborted = new Map<string, ServiceError>()

const probe = defineService({
  name: 'memory-engine',
  config: Type.Object({}),
  setup: ({ app }) => {
    app.get('/quick', () => ({ done: true }))
    app.get(
      '/hold/:id',
      { schema: { params: Type.Object({ id: Type.String() }) }, config: { timeoutMs: 5_000 } },
      async (request) => {
        const { id } = request.params
        request.call.signal.addEventListener('abort', () =>
          aborted.set(id, request.call.signal.reason as ServiceError),
        )
        await new Promise<void>((resolve) => held.set(id, resolve))
        return { id }
      },
    )
    app.get('/short', { config: { timeoutMs: 40 } }, () => new Promise(() => undefined))
    app.get('/stream', (_request, reply) => {
      reply.raw.writeHead(200, { 'content-type': 'text/plain' })
      reply.raw.write('begun')
      return reply.hijack()
    })
  },
})

let service: TestService & { readonly url: string }
let headers: Record<string, string>
before(async () => {
  service = await startForTest(probe)
  headers = await service.headersFrom()
})
after(async () => {
  for (const letGo of held.values()) letGo()
  await service.stop()
})

async function metric(name: string, labels: string): Promise<number> {
  const answer = await service.app.inject({ url: '/metrics' })
  const line = answer.body.split('\n').find((text) => text.startsWith(`${name}{`) && text.includes(labels))
  return line === undefined ? Number.NaN : Number(/\} (\S+)/.exec(line)?.[1])
}

const flow = async (route: string) => ({
  started: await metric('sonia_http_requests_started_total', `route="${route}",caller="api-gateway"`),
  finished: await metric('sonia_http_requests_finished_total', `route="${route}",caller="api-gateway"`),
  inFlight: await metric('sonia_http_requests_in_flight', `route="${route}",caller="api-gateway"`),
})

test('a route that overruns its time answers TIMEOUT, and so does the metric', async () => {
  const answer = await fetch(`${service.url}/short`, { headers })
  assert.equal(answer.status, 408)
  assert.equal(((await answer.json()) as { error: { code: string } }).error.code, 'TIMEOUT')
  assert.equal(
    await metric('sonia_http_request_duration_seconds_count', 'route="/short",method="GET",code="TIMEOUT"'),
    1,
  )
})

test("a caller's shorter deadline cuts the route's own, and aborts what works for it", async () => {
  const answer = await fetch(`${service.url}/hold/deadline`, {
    headers: { ...headers, 'x-deadline-ms': '60' },
  })
  assert.equal(answer.status, 408)
  assert.equal(aborted.get('deadline')?.code, 'TIMEOUT')
})

test('a client that leaves aborts the work, and the request still ends in the counts', async () => {
  const before = await flow('/hold/:id')
  const controller = new AbortController()
  const answer = fetch(`${service.url}/hold/gone`, { headers, signal: controller.signal })
  await eventually(() => held.has('gone'))
  const during = await flow('/hold/:id')
  assert.equal(during.inFlight, 1)
  controller.abort()
  await assert.rejects(answer)
  await eventually(() => aborted.has('gone'))
  await eventually(async () => (await flow('/hold/:id')).inFlight === 0)
  const end = await flow('/hold/:id')
  assert.equal(end.started, before.started + 1)
  assert.equal(end.started, end.finished)
  assert.equal(
    await metric(
      'sonia_http_request_duration_seconds_count',
      'route="/hold/:id",method="GET",code="CLIENT_ABORTED"',
    ),
    1,
  )
})

test('an answer that comes after the client left is no error and counts once', async () => {
  held.get('gone')?.()
  await eventually(async () => (await flow('/hold/:id')).inFlight === 0)
  const { started, finished } = await flow('/hold/:id')
  assert.equal(started, finished)
})

test('a hijacked answer whose client left does not stay in flight', async () => {
  const controller = new AbortController()
  const answer = await fetch(`${service.url}/stream`, { headers, signal: controller.signal })
  assert.equal((await flow('/stream')).inFlight, 1)
  controller.abort()
  await answer.body?.cancel().catch(() => undefined)
  await eventually(async () => (await flow('/stream')).inFlight === 0)
})

test('the age of the oldest request grows and falls back to 0', async () => {
  const age = async () => {
    const { body } = await service.app.inject({ url: '/metrics' })
    return Number(/^sonia_http_oldest_in_flight_seconds (\S+)$/m.exec(body)?.[1])
  }
  const answer = fetch(`${service.url}/hold/old`, { headers })
  await eventually(async () => (await age()) > 0.02)
  held.get('old')?.()
  await answer
  await eventually(async () => (await age()) === 0)
})

test('probes and scrapes are not counted as requests', async () => {
  await fetch(`${service.url}/healthz`)
  const { body } = await service.app.inject({ url: '/metrics' })
  assert.doesNotMatch(body, /requests_started_total\{route="\/(healthz|metrics|readyz)"/)
})

for (const [what, text, status, code] of [
  ['HTTP that is none', 'NONSENSE\r\n\r\n', 400, 'INVALID_ARGUMENT'],
  ['headers of 20 KiB', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'TOO_LARGE'],
  [
    'two different lengths',
    'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n',
    400,
    'INVALID_ARGUMENT',
  ],
  [
    'a length beside chunks',
    'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n',
    400,
    'INVALID_ARGUMENT',
  ],
] as const) {
  test(`${what} is answered with the envelope`, async () => {
    const answer = await exchangeRaw(service.port, text)
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `))
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as { error: { code: string } }
    assert.equal(body.error.code, code)
  })
}

function exchangeRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setTimeout(3_000, () => socket.destroy(new Error('no answer')))
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}
