import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Type } from 'typebox'
import { defineService } from './define-service.ts'
import { ok } from './envelope.ts'
import { type ErrorCode, ServiceError } from './errors.ts'
import { buildForTest, type TestService } from './testing.ts'

const probe = defineService({
  name: 'memory-engine',
  config: Type.Object({}, { additionalProperties: false }),
  setup: ({ app }) => {
    app.post(
      '/echo/:id',
      {
        bodyLimit: 1000,
        schema: {
          params: Type.Object({ id: Type.Integer() }),
          querystring: Type.Object({ limit: Type.Optional(Type.Integer({ maximum: 10 })) }),
          body: Type.Object(
            { text: Type.String({ maxLength: 5 }), count: Type.Optional(Type.Integer()) },
            { additionalProperties: false },
          ),
        },
      },
      (request) => ({ id: request.params.id, text: request.body.text }),
    )
    app.post('/unique', { config: { uniqueKeys: true }, schema: { body: Type.Unknown() } }, (request) => ({
      body: request.body,
    }))
    app.get('/known', () => {
      throw new ServiceError('RATE_LIMITED', 'Slow down', {
        retryAfterSeconds: 7,
        details: { reason: 'FLOOD' },
      })
    })
    app.get('/unknown', () => {
      throw Object.assign(new Error('SELECT secret FROM t at /etc/passwd'), { code: 'SQLITE_ERROR' })
    })
    app.get('/odd', () => {
      throw 'a string' as unknown as Error
    })
    app.get('/degraded', (request) => ok(request, { n: 1 }, { code: 'DEGRADED', message: 'half "of"\r\nit' }))
  },
})

let service: TestService
let headers: Record<string, string>
before(async () => {
  service = await buildForTest(probe)
  headers = await service.headersFrom()
})
after(() => service.stop())

interface Sent {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly url: string
  readonly payload?: object | string
  readonly headers?: Record<string, string>
}

/** Sends, and checks what holds for every error: one envelope, one code, nothing internal. */
async function refused(sent: Sent, status: number, code: ErrorCode) {
  const answer = await service.app.inject({ ...sent, headers: { ...headers, ...sent.headers } })
  const body = answer.json()
  assert.equal(answer.statusCode, status, answer.body)
  assert.equal(body.error.code, code)
  assert.deepEqual(Object.keys(body), [
    'ok',
    'service',
    'operation',
    'correlation_id',
    'duration_ms',
    'data',
    'error',
  ])
  assert.equal(body.ok, false)
  assert.equal(body.data, null)
  assert.equal(body.service, 'memory-engine')
  assert.equal(body.correlation_id, answer.headers['x-correlation-id'])
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  assert.doesNotMatch(answer.body, /SELECT|\/etc|stack|node_modules|FST_|SQLITE/)
  return { body, answer }
}

/** One line per refusal. */
function refuses(title: string, sent: Sent, status: number, code: ErrorCode): void {
  test(title, async () => {
    await refused(sent, status, code)
  })
}

const json = { 'content-type': 'application/json' }
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

refuses('an unknown route is NOT_FOUND in the envelope', { url: '/nope' }, 404, 'NOT_FOUND')
refuses(
  'a known path under another method is NOT_FOUND',
  { method: 'DELETE', url: '/known' },
  404,
  'NOT_FOUND',
)
refuses('a malformed URL is INVALID_ARGUMENT', { url: '/%zz' }, 400, 'INVALID_ARGUMENT')
refuses('an over-long URL is TOO_LARGE', { url: `/known?q=${'a'.repeat(9000)}` }, 413, 'TOO_LARGE')
refuses(
  'an over-long path parameter is refused',
  { method: 'POST', url: `/echo/${'1'.repeat(300)}`, payload: { text: 'a' } },
  413,
  'TOO_LARGE',
)
refuses(
  'malformed JSON is INVALID_ARGUMENT',
  { method: 'POST', url: '/echo/1', payload: '{"text":', headers: json },
  400,
  'INVALID_ARGUMENT',
)
refuses(
  'malformed JSON to an unknown route is refused in the envelope too',
  { method: 'POST', url: '/nope', payload: '{"text":', headers: json },
  400,
  'INVALID_ARGUMENT',
)
refuses(
  '__proto__ in a body is INVALID_ARGUMENT',
  { method: 'POST', url: '/unique', payload: '{"__proto__":{"a":1}}', headers: json },
  400,
  'INVALID_ARGUMENT',
)
refuses(
  'an oversize body is TOO_LARGE',
  { method: 'POST', url: '/echo/1', payload: { text: 'a'.repeat(2000) } },
  413,
  'TOO_LARGE',
)
refuses(
  'another content type than JSON is INVALID_ARGUMENT',
  { method: 'POST', url: '/echo/1', payload: 'text=a', headers: { 'content-type': 'text/plain' } },
  400,
  'INVALID_ARGUMENT',
)
refuses(
  'an absent required body field answers 422',
  { method: 'POST', url: '/echo/1', payload: {} },
  422,
  'INVALID_ARGUMENT',
)
refuses(
  'a body field of the wrong type answers 422 and is not converted',
  { method: 'POST', url: '/echo/1', payload: { text: 'a', count: '5' } },
  422,
  'INVALID_ARGUMENT',
)
refuses('an absent body answers 422', { method: 'POST', url: '/echo/1' }, 422, 'INVALID_ARGUMENT')
refuses(
  'a body field out of its bounds answers 400',
  { method: 'POST', url: '/echo/1', payload: { text: 'too long' } },
  400,
  'INVALID_ARGUMENT',
)
refuses(
  'an unknown body field answers 400',
  { method: 'POST', url: '/echo/1', payload: { text: 'a', x: 1 } },
  400,
  'INVALID_ARGUMENT',
)
refuses(
  'a wrong query parameter answers 400',
  { method: 'POST', url: '/echo/1?limit=ten', payload: { text: 'a' } },
  400,
  'INVALID_ARGUMENT',
)
refuses(
  'a wrong path parameter answers 400',
  { method: 'POST', url: '/echo/x', payload: { text: 'a' } },
  400,
  'INVALID_ARGUMENT',
)
refuses(
  'a body of 65 levels is refused',
  { method: 'POST', url: '/unique', payload: nested(65), headers: json },
  400,
  'INVALID_ARGUMENT',
)
test('a body that names a key twice is refused where the route asks for it', async () => {
  const { body } = await refused(
    { method: 'POST', url: '/unique', payload: '{"a":1,"\\u0061":2}', headers: json },
    400,
    'INVALID_ARGUMENT',
  )
  assert.equal(body.error.details.reason, 'DUPLICATE_KEY')
})
test('an expected error keeps its message, details and Retry-After', async () => {
  const { body, answer } = await refused({ url: '/known' }, 429, 'RATE_LIMITED')
  assert.equal(answer.headers['retry-after'], '7')
  assert.deepEqual(body.error, { code: 'RATE_LIMITED', message: 'Slow down', details: { reason: 'FLOOD' } })
})
test('an unexpected error is INTERNAL_ERROR and tells nothing', async () => {
  const { body } = await refused({ url: '/unknown' }, 500, 'INTERNAL_ERROR')
  assert.equal(body.error.message, 'Internal error')
})
refuses('something thrown that is no error is INTERNAL_ERROR', { url: '/odd' }, 500, 'INTERNAL_ERROR')
refuses(
  'no service token is UNAUTHORIZED',
  { url: '/known', headers: { 'x-service-token': '' } },
  401,
  'UNAUTHORIZED',
)
refuses(
  'a deadline that has passed is TIMEOUT',
  { url: '/known', headers: { 'x-deadline-ms': '0' } },
  408,
  'TIMEOUT',
)
refuses(
  'a deadline that is no number is INVALID_ARGUMENT',
  { url: '/known', headers: { 'x-deadline-ms': '5 s' } },
  400,
  'INVALID_ARGUMENT',
)

test('a body of 64 levels is taken', async () => {
  const answer = await service.app.inject({
    method: 'POST',
    url: '/unique',
    payload: nested(64),
    headers: { ...headers, ...json },
  })
  assert.equal(answer.statusCode, 200)
})

test('the operation is the route template, never the path', async () => {
  const { body } = await refused({ method: 'POST', url: '/echo/7', payload: {} }, 422, 'INVALID_ARGUMENT')
  assert.equal(body.operation, 'POST /echo/:id')
})

test('a degraded success says so in the body and in a Warning header that cannot be broken out of', async () => {
  const answer = await service.app.inject({ url: '/degraded', headers })
  assert.equal(answer.statusCode, 200)
  assert.deepEqual(answer.json().warning, { code: 'DEGRADED', message: 'half "of"\r\nit' })
  assert.equal(answer.headers['warning'], '199 memory-engine "half ?of???it"')
})
