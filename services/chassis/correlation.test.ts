import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { Type } from 'typebox'
import { acceptedCorrelationId, createCorrelationIds } from './correlation.ts'
import { defineService } from './define-service.ts'
import { buildForTest, type TestService } from './testing.ts'

fc.configureGlobal({ seed: 20261124 })

const probe = defineService({
  name: 'pipecat',
  config: Type.Object({}),
  setup: ({ app }) => {
    app.get('/id', (request) => ({ id: request.call.correlationId }))
  },
})

let service: TestService
before(async () => {
  service = await buildForTest(probe)
})
after(() => service.stop())

const MADE = /^req_[A-Za-z0-9_-]{22}$/

for (const [why, header] of [
  ['CR and LF', 'abcdefgh\r\nx-evil: 1'],
  ['a space', 'abcd efgh'],
  ['seven characters', 'abcdefg'],
  ['65 characters', 'a'.repeat(65)],
  ['16 KiB', 'a'.repeat(16_384)],
  ['a repeated header', 'abcdefgh, ijklmnop'],
  ['a non-ASCII letter', 'abcdefgé'],
] as const) {
  test(`a correlation id with ${why} is replaced, never reflected`, () => {
    assert.equal(acceptedCorrelationId(header), undefined)
  })
}

test('a bad id from outside is replaced by one of ours in header and call', async () => {
  const answer = await service.app.inject({ url: '/id', headers: { 'x-correlation-id': 'no spaces please' } })
  assert.match(answer.json().id, MADE)
  assert.equal(answer.headers['x-correlation-id'], answer.json().id)
})

test('a good id is kept in header and call', async () => {
  const answer = await service.app.inject({ url: '/id', headers: { 'x-correlation-id': 'my-request_01' } })
  assert.equal(answer.json().id, 'my-request_01')
  assert.equal(answer.headers['x-correlation-id'], 'my-request_01')
})

test('made ids have their form and never repeat, also across the pool of random bytes', () => {
  const makeId = createCorrelationIds()
  const ids = Array.from({ length: 10_000 }, makeId)
  assert.equal(new Set(ids).size, ids.length)
  assert.ok(ids.every((id) => MADE.test(id) && acceptedCorrelationId(id) === id))
})

test('whatever is accepted is safe in a header, a path and a log line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const accepted = acceptedCorrelationId(text)
      return accepted === undefined || /^[\w-]{8,64}$/.test(accepted)
    }),
  )
})
