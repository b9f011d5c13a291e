import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, beforeEach, test } from 'node:test'
import { trace } from '@opentelemetry/api'
import { startCall } from './call-context.ts'
import { systemClock } from './clock.ts'
import { createMetrics } from './metrics.ts'
import { createNeighbours, type NeighbourRequest } from './neighbours.ts'
import { eventually } from './testing.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

let server: Server
let handle: Handler
let received: IncomingMessage[]
let neighbours: ReturnType<typeof createNeighbours>
let forgotten: string[]
const metrics = createMetrics('api-gateway')
after(() => metrics.close())

beforeEach(async () => {
  received = []
  forgotten = []
  server = createServer((request, response) => {
    received.push(request)
    handle(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  neighbours = createNeighbours({
    originOf: () => `http://127.0.0.1:${port}`,
    tokens: { tokenFor: async () => `token-${forgotten.length}`, forget: (to) => forgotten.push(to) },
    clock: systemClock,
    tracer: trace.getTracer('test'),
    metrics,
  })
})
afterEach(async () => {
  await neighbours.close()
  server.closeAllConnections()
  server.close()
})

const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}): Handler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

const GET: NeighbourRequest = { method: 'GET', path: '/x' }
const POST: NeighbourRequest = { method: 'POST', path: '/x', body: { a: 1 } }
const newCall = (timeoutMs = 2_000, signal?: AbortSignal) =>
  startCall(
    { timeoutMs, correlationId: 'corr-id-1', ...(signal === undefined ? {} : { signal }) },
    systemClock,
    () => 'made',
  )
const call = (request: NeighbourRequest, given = newCall()) =>
  neighbours.call<unknown>('memory-engine', request, given)

test("a neighbour's own code, message, details and Retry-After arrive", async () => {
  handle = answer(
    429,
    { ok: false, error: { code: 'RATE_LIMITED', message: 'slow', details: { n: 1 } } },
    { 'retry-after': '3' },
  )
  await assert.rejects(call(POST), {
    code: 'RATE_LIMITED',
    message: 'slow',
    details: { n: 1 },
    retryAfterSeconds: 3,
  })
})

test('422 stays 422', async () => {
  handle = answer(422, { error: { code: 'INVALID_ARGUMENT', message: 'x' } })
  await assert.rejects(call(POST), { code: 'INVALID_ARGUMENT', status: 422 })
})

test('a failure without envelope gets the code of its status', async () => {
  handle = answer(502, '<html>')
  await assert.rejects(call(POST), { code: 'UNAVAILABLE' })
})

test('an answer that is no JSON is INTERNAL_ERROR', async () => {
  handle = answer(200, 'hello')
  await assert.rejects(call(POST), { code: 'INTERNAL_ERROR' })
})

test('nobody listening is UNAVAILABLE', async () => {
  server.close()
  await assert.rejects(call(POST), { code: 'UNAVAILABLE' })
})

test('no answer in time is TIMEOUT', async () => {
  handle = () => undefined
  await assert.rejects(call({ ...POST, timeoutMs: 50 }), { code: 'TIMEOUT' })
})

test('the deadline of the call bounds a longer time-out', async () => {
  handle = () => undefined
  await assert.rejects(call({ ...POST, timeoutMs: 60_000 }, newCall(50)), { code: 'TIMEOUT' })
})

test('a call without time left is not sent', async () => {
  handle = answer(200, {})
  await assert.rejects(call(POST, newCall(0)), { code: 'TIMEOUT' })
  assert.equal(received.length, 0)
})

test('a caller that leaves aborts the call onward, and the breaker does not blame the neighbour', async () => {
  for (let index = 0; index < 8; index += 1) {
    const controller = new AbortController()
    handle = () => controller.abort()
    await assert.rejects(call(POST, newCall(2_000, controller.signal)), { code: 'UNAVAILABLE' })
  }
  assert.equal(neighbours.state('memory-engine').breaker, 'closed')
})

test('five failures in a row open the breaker, which refuses without a connection and closes after a success', async () => {
  handle = (request) => request.socket.destroy()
  for (let index = 0; index < 5; index += 1) await assert.rejects(call(POST))
  assert.equal(neighbours.state('memory-engine').breaker, 'open')
  assert.match(await metrics.exposition(), /sonia_breaker_state\{destination="memory-engine"\} 1\n/)
  const sent = received.length
  await assert.rejects(call(POST), { code: 'UNAVAILABLE' })
  assert.equal(received.length, sent)
  handle = answer(200, {})
  await eventually(() =>
    call(POST).then(
      () => true,
      () => false,
    ),
  )
  assert.equal(neighbours.state('memory-engine').breaker, 'closed')
})

test('answers with an error code do not open the breaker', async () => {
  handle = answer(500, { error: { code: 'INTERNAL_ERROR', message: 'x' } })
  for (let index = 0; index < 10; index += 1) await assert.rejects(call(POST))
  assert.equal(neighbours.state('memory-engine').breaker, 'closed')
})

test('a read is repeated at most twice after 503, a write never', async () => {
  handle = answer(503, { error: { code: 'UNAVAILABLE', message: 'x' } })
  await assert.rejects(call(GET), { code: 'UNAVAILABLE' })
  assert.equal(received.length, 3)
  await assert.rejects(call(POST), { code: 'UNAVAILABLE' })
  assert.equal(received.length, 4)
})

test('a write that says it is idempotent is repeated', async () => {
  handle = (request, response) => answer(received.length === 1 ? 503 : 200, { ok: true })(request, response)
  assert.equal((await call({ ...POST, idempotent: true })).status, 200)
})

test('repeats stop when the budget is spent', async () => {
  handle = answer(503, { error: { code: 'UNAVAILABLE', message: 'x' } })
  for (let index = 0; index < 20; index += 1) await assert.rejects(call(GET))
  // 20 calls, 3 repeats to begin with, and a fifth of a repeat earned by each call.
  assert.ok(received.length <= 20 + 3 + 4, String(received.length))
})

test('a refused service token is asked for anew, once, and is not taken for a refusal of the person', async () => {
  handle = (request, response) =>
    request.headers['x-service-token'] === 'token-0'
      ? answer(
          401,
          { error: { code: 'UNAUTHORIZED', message: 'x' } },
          { 'x-token-refused': '1' },
        )(request, response)
      : answer(200, { ok: true })(request, response)
  assert.deepEqual((await call(POST)).body, { ok: true })
  handle = answer(401, { error: { code: 'UNAUTHORIZED', message: 'x' } }, { 'x-token-refused': '1' })
  await assert.rejects(call(POST), { code: 'UNAVAILABLE' })
  handle = answer(401, { error: { code: 'UNAUTHORIZED', message: 'operator key' } })
  await assert.rejects(call(POST), { code: 'UNAUTHORIZED' })
})

test('the call carries its id, deadline, token, query and body', async () => {
  handle = answer(200, { ok: true }, { 'x-extra': 'yes' })
  const result = await call({
    ...POST,
    query: { q: 'a b&c', none: undefined, n: 5 },
    headers: { 'x-operator-key': 'k' },
  })
  const [request] = received
  assert.equal(request?.url, '/x?q=a+b%26c&n=5')
  assert.equal(request?.headers['x-correlation-id'], 'corr-id-1')
  assert.equal(request?.headers['x-service-token'], 'token-0')
  assert.equal(request?.headers['x-operator-key'], 'k')
  const deadline = Number(request?.headers['x-deadline-ms'])
  assert.ok(deadline > 1_000 && deadline <= 2_000)
  assert.deepEqual(
    { status: result.status, body: result.body, extra: result.headers['x-extra'] },
    { status: 200, body: { ok: true }, extra: 'yes' },
  )
  assert.ok(result.durationMs >= 0)
})

test('a stream hands on its bytes as they come, and an abort ends it', async () => {
  const controller = new AbortController()
  handle = (_request, response) => {
    response.writeHead(200)
    response.write('one')
  }
  const { body } = await neighbours.stream('memory-engine', POST, newCall(5_000, controller.signal))
  const [first] = (await body.iterator({ destroyOnReturn: false }).next()).value as Buffer[]
  assert.ok(first !== undefined)
  const closed = new Promise((resolve) => body.once('close', resolve))
  body.once('error', () => undefined)
  controller.abort()
  await closed
})
