import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { buildForTest, type TestService } from '#chassis/testing.ts'
import { service } from './service.ts'

interface Answer {
  readonly id: string
  readonly status: string
  readonly content: string
  readonly results: readonly { readonly id: string }[]
  readonly count: number
  readonly error: {
    readonly code: string
    readonly message: string
    readonly details?: Record<string, unknown>
  }
}

let memory: TestService
let headers: Record<string, string>
before(async () => {
  memory = await buildForTest(service)
  headers = await memory.headersFrom('api-gateway')
})
after(() => memory.stop())

async function call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) {
  const answer = await memory.app.inject({
    method,
    url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  })
  return { status: answer.statusCode, body: answer.json<Answer>() }
}

test('what was stored comes back by its id, by search and by type', async () => {
  const stored = await call('POST', '/store', {
    type: 'fact',
    content: 'The lighthouse keeper paints boats',
    metadata: { a: 1 },
  })
  assert.equal(stored.status, 200, JSON.stringify(stored.body))
  assert.match(stored.body.id, /^mem_[0-9a-f]{12}$/)
  const recalled = await call('GET', `/recall/${stored.body.id}`)
  assert.equal(recalled.body.content, 'The lighthouse keeper paints boats')
  const found = await call('POST', '/search', { query: 'who was painting a boat?' })
  assert.deepEqual(
    found.body.results.map(({ id }) => id),
    [stored.body.id],
    JSON.stringify(found.body),
  )
})
