import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Type } from 'typebox'
import { defineService } from './define-service.ts'
import { ok } from './envelope.ts'
import { ServiceError } from './errors.ts'
import { buildForTest, type TestService } from './testing.ts'

const probe = defineService({
  name: 'memory-engine',
  config: Type.Object({ greeting: Type.String({ default: 'hello' }) }, { additionalProperties: false }),
  setup: ({ app, config }) => {
    app.post('/echo', { schema: { body: Type.Object({ text: Type.String() }) } }, (request) => ({
      greeting: config.greeting,
      text: request.body.text,
      caller: request.call.caller,
    }))
    app.get('/missing', () => {
      throw new ServiceError('NOT_FOUND', 'No such thing')
    })
    app.get('/broken', () => {
      throw new Error('select * from secret_table')
    })
    app.get('/degraded', (request) => ok(request, { n: 1 }, { code: 'DEGRADED', message: 'half of it' }))
  },
})

let service: TestService
before(async () => {
  service = await buildForTest(probe)
})
after(() => service.stop())

test('a route of an internal service refuses a caller without a token', async () => {
  const answer = await service.app.inject({ method: 'POST', url: '/echo', payload: { text: 'x' } })
  assert.equal(answer.statusCode, 401)
  assert.equal(answer.json().error.code, 'UNAUTHORIZED')
})

test('a good token opens the route and names its caller', async () => {
  const headers = await service.headersFrom('api-gateway')
  const answer = await service.app.inject({ method: 'POST', url: '/echo', payload: { text: 'x' }, headers })
  assert.deepEqual(answer.json(), {
    greeting: 'hello',
    text: 'x',
    caller: { kind: 'service', name: 'api-gateway' },
  })
})

test('an unexpected error answers INTERNAL_ERROR without its message', async () => {
  const headers = await service.headersFrom()
  const answer = await service.app.inject({ url: '/broken', headers })
  assert.equal(answer.statusCode, 500)
  assert.doesNotMatch(answer.body, /secret_table/)
})
