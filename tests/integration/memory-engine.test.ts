import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceRequest } from '#gates/runners/service-access.ts'
import { ask as askOutside, askAs } from '../stack-under-test.ts'
import { assertRefused, bodyOf } from './answers.ts'

const ask = (request: ServiceRequest) => askAs('api-gateway', 'memory-engine', request)

async function store(content: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const answer = await ask({ path: '/store', body: { type: 'note', content, ...more } })
  assert.equal(bodyOf(answer)['status'], 'stored', JSON.stringify(answer.body))
  return String(bodyOf(answer)['id'])
}

async function search(body: Readonly<Record<string, unknown>>): Promise<readonly Record<string, unknown>[]> {
  return bodyOf(await ask({ path: '/search', body }))['results'] as readonly Record<string, unknown>[]
}

test('storing nothing is refused', async () => {
  assertRefused(await ask({ path: '/store', body: { type: 'note', content: '' } }), 400, 'INVALID_ARGUMENT')
})

test('storing without a type is refused as unprocessable', async () => {
  assertRefused(await ask({ path: '/store', body: { content: 'no type' } }), 422, 'INVALID_ARGUMENT')
})

test('what was stored is recalled as it was', async () => {
  const id = await store('The lighthouse was painted in spring.', { metadata: { source: 'integration' } })
  assert.match(id, /^mem_[0-9a-f]{12}$/)
  const memory = bodyOf(await ask({ path: `/recall/${id}` }))
  assert.equal(memory['content'], 'The lighthouse was painted in spring.')
  assert.deepEqual(memory['metadata'], { source: 'integration' })
})

test('search finds a stem, not only the word', async () => {
  const id = await store('Grandmother was baking quincebread on Sundays.')
  const results = await search({ query: 'who bakes quincebread' })
  assert.equal(results[0]?.['id'], id)
})

test('search treats its own syntax as plain words', async () => {
  for (const query of ['" OR 1=1 --', 'NEAR(a b)', 'content:* AND', '(((']) {
    assert.equal((await ask({ path: '/search', body: { query } })).status, 200)
  }
})

test('search keeps to its limit and to the session asked for', async () => {
  for (const turn of ['one', 'two', 'three'])
    await store(`zephyrmint ${turn}`, { session_id: 'ses-integration' })
  await store('zephyrmint elsewhere', { session_id: 'ses-other' })
  assert.equal((await search({ query: 'zephyrmint', limit: 2 })).length, 2)
  const own = await search({ query: 'zephyrmint', session_id: 'ses-integration' })
  assert.ok(own.every(({ content }) => content !== 'zephyrmint elsewhere'))
})

test('a replaced memory is found by its new words alone', async () => {
  const id = await store('the old word is marzipanlock')
  assert.equal(
    (await ask({ method: 'PUT', path: `/recall/${id}`, body: { content: 'the new word is tidewheel' } }))
      .status,
    200,
  )
  assert.ok((await search({ query: 'tidewheel' })).some((result) => result['id'] === id))
  assert.ok(!(await search({ query: 'marzipanlock' })).some((result) => result['id'] === id))
})

test('a deleted memory is gone from recall and search', async () => {
  const id = await store('remove the heliotropefence')
  assert.equal((await ask({ method: 'DELETE', path: `/recall/${id}` })).status, 200)
  assertRefused(await ask({ path: `/recall/${id}` }), 404, 'NOT_FOUND')
  assert.equal((await search({ query: 'heliotropefence' })).length, 0)
})

test('a whole session is forgotten at once', async () => {
  await store('forget the sugarbarometer', { session_id: 'ses-forget' })
  const answer = bodyOf(await ask({ path: '/forget', body: { session_id: 'ses-forget' } }))
  assert.equal(answer['status'], 'forgotten')
  assert.equal((await search({ query: 'sugarbarometer' })).length, 0)
})

test('an unknown memory is not found', async () => {
  assertRefused(await ask({ path: '/recall/mem_000000000000' }), 404, 'NOT_FOUND')
})

test('the store says how much it holds', async () => {
  await store('counted')
  const stats = bodyOf(await ask({ path: '/query/stats' }))
  assert.ok(Number(stats['items']) > 0)
})

test('a question that was asked before is no evidence for itself: the fact answers it each time', async () => {
  const fact = await store('The code of the gullwing locker is 4471.', { session_id: 'ses-facts' })
  const message = 'What is the code of the gullwing locker?'
  for (let time = 1; time <= 4; time += 1) {
    const { response, context } = await chatWithMemory(message)
    assert.match(response, /4471/, `time ${time}`)
    assert.ok(context.some(({ id }) => id === fact))
    for (const { id } of context) {
      assert.notEqual(bodyOf(await ask({ path: `/recall/${id}` }))['content'], message, `time ${time}`)
    }
  }
})

interface ChatData {
  readonly response: string
  readonly context: readonly { readonly id: string }[]
  readonly provenance: { readonly memory_engine: { readonly status: string } }
}

/** On a loaded machine a recall may run out of its time; that answer says so, and is asked for again. */
async function chatWithMemory(message: string): Promise<ChatData> {
  for (let tries = 1; ; tries += 1) {
    const answer = bodyOf(await askOutside('api-gateway', { path: '/v1/chat', body: { message } }))
    const data = answer['data'] as ChatData | null
    if (data?.provenance.memory_engine.status === 'ok') return data
    assert.ok(tries < 20, JSON.stringify(answer))
  }
}
