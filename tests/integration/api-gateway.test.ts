import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, stackUnderTest } from '../stack-under-test.ts'
import { assertRefused, bodyOf, dataOf, envelopeOf, reasonOf } from './answers.ts'

function chat(body: Readonly<Record<string, unknown>>, headers: Readonly<Record<string, string>> = {}) {
  return ask('api-gateway', { path: '/v1/chat', body, headers })
}

function action(body: Readonly<Record<string, unknown>>) {
  return ask('api-gateway', { path: '/v1/action', body })
}

test('chat without a message is refused as unprocessable', async () => {
  assertRefused(await chat({}), 422, 'INVALID_ARGUMENT')
})

test('chat with a message that is no text is refused', async () => {
  assertRefused(await chat({ message: 7 }), 422, 'INVALID_ARGUMENT')
})

test('chat with an unknown field is refused', async () => {
  assertRefused(await chat({ message: 'hello', weather: 'fine' }), 400, 'INVALID_ARGUMENT')
})

test('malformed JSON is refused with the envelope, not with a stack', async () => {
  const { portBase } = await stackUnderTest()
  const response = await fetch(`http://127.0.0.1:${portBase}/v1/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"message": ',
  })
  const text = await response.text()
  assert.equal(response.status, 400)
  assert.equal((JSON.parse(text) as { error: { code: string } }).error.code, 'INVALID_ARGUMENT')
  assert.doesNotMatch(text, /node_modules|at .*\.ts:/)
})

test('a body over 1 MiB is refused', async () => {
  assertRefused(await chat({ message: 'x'.repeat(1_100_000) }), 413, 'TOO_LARGE')
})

test('chat answers by way of the router and says where the answer came from', async () => {
  const data = dataOf(await chat({ message: 'How is the harbour today?' }))
  assert.equal(typeof data['response'], 'string')
  assert.notEqual(data['response'], '')
  const provenance = data['provenance'] as Record<string, Record<string, unknown>>
  assert.equal(provenance['memory_engine']?.['status'], 'ok')
  assert.equal(provenance['model_router']?.['status'], 'ok')
  assert.equal(data['provider'], 'embedded')
})

test('chat recalls what an earlier chat told', async () => {
  dataOf(await chat({ message: 'Remember that my bicycle key lies under the blue flowerpot.' }))
  const data = dataOf(await chat({ message: 'Where is my bicycle key?' }))
  assert.equal(data['context_used'] !== 0 && data['context_used'] !== false, true)
  const context = data['context'] as readonly { id: string }[]
  assert.ok(context.some(({ id }) => id.startsWith('mem_')))
})

test('chat takes its fields from the query as well', async () => {
  const answer = await ask('api-gateway', { method: 'POST', path: '/v1/chat?message=hello%20there' })
  assert.equal(typeof dataOf(answer)['response'], 'string')
})

test('the correlation id of the caller comes back in header and body', async () => {
  const answer = await chat({ message: 'hello' }, { 'x-correlation-id': 'caller-chose-this-1' })
  assert.equal(envelopeOf(answer).correlation_id, 'caller-chose-this-1')
  assert.equal(answer.headers.get('x-correlation-id'), 'caller-chose-this-1')
})

test('an unfit correlation id is replaced by one of our own', async () => {
  const answer = await chat({ message: 'hello' }, { 'x-correlation-id': 'a b' })
  assert.match(envelopeOf(answer).correlation_id, /^req_[A-Za-z0-9_-]{22}$/)
})

test('a streamed chat sends pieces and then the whole', async () => {
  const answer = await chat({ message: 'Tell me about the harbour.', stream: true })
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/)
  assert.match(String(answer.body), /^event: delta$/m)
  assert.match(String(answer.body), /^event: done$/m)
})

test('the OpenAI door lists models and completes', async () => {
  const models = bodyOf(await ask('api-gateway', { path: '/v1/models' }))
  assert.ok((models['data'] as unknown[]).length > 0)
  const body = { model: 'sonia', messages: [{ role: 'user', content: 'hello' }] }
  const completion = bodyOf(await ask('api-gateway', { path: '/v1/chat/completions', body }))
  const [choice] = completion['choices'] as readonly { message: { content: unknown } }[]
  assert.equal(typeof choice?.message.content, 'string')
})

test('a session is created, found and ended, and is unknown afterwards', async () => {
  const created = await ask('api-gateway', { method: 'POST', path: '/v1/sessions', body: {} })
  assert.ok(created.status === 200 || created.status === 201)
  const text = JSON.stringify(created.body)
  const id = /ses_[0-9a-f]{16}/.exec(text)?.[0]
  assert.ok(id !== undefined, text)
  assert.equal((await ask('api-gateway', { path: `/v1/sessions/${id}` })).status, 200)
  assert.ok((await ask('api-gateway', { method: 'DELETE', path: `/v1/sessions/${id}` })).status < 300)
  assert.equal((await ask('api-gateway', { path: `/v1/sessions/${id}` })).status, 404)
})

test('an unknown session is not found', async () => {
  const answer = await ask('api-gateway', { path: '/v1/sessions/ses_0123456789abcdef' })
  assert.equal(answer.status, 404)
})

test('an unknown tool is not found', async () => {
  assertRefused(await action({ tool_name: 'rocket.launch', args: {} }), 404, 'NOT_FOUND')
})

test('an action without a tool is refused as unprocessable', async () => {
  assertRefused(await action({ args: {} }), 422, 'INVALID_ARGUMENT')
})

test('a destructive command waits for a person', async () => {
  const refused = assertRefused(
    await action({ tool_name: 'shell.run', args: { command: 'rm -rf notes' } }),
    403,
    'FORBIDDEN',
  )
  assert.equal(reasonOf(refused), 'APPROVAL_REQUIRED')
})

test('a file is written and read back through policy and tools', async () => {
  const written = dataOf(
    await action({ tool_name: 'file.write', args: { path: 'gateway.txt', content: 'kept' } }),
  )
  assert.equal(written['status'], 'executed')
  const read = dataOf(await action({ tool_name: 'file.read', args: { path: 'gateway.txt' } }))
  assert.match(JSON.stringify(read['result']), /kept/)
})

test('the same idempotency key executes once and answers twice', async () => {
  const body = {
    tool_name: 'file.write',
    args: { path: 'once.txt', content: 'one' },
    idempotency_key: 'integration-once',
  }
  const first = dataOf(await action(body))
  const second = dataOf(await action(body))
  assert.deepEqual(second['result'], first['result'])
  assertRefused(await action({ ...body, args: { path: 'once.txt', content: 'two' } }), 409, 'CONFLICT')
})

test('a whole turn answers, remembers and measures itself', async () => {
  const body = { user_id: 'u1', conversation_id: 'integration', input_text: 'What is new at the harbour?' }
  const turn = bodyOf(await ask('api-gateway', { path: '/v1/turn', body }))
  assert.equal(turn['ok'], true)
  assert.match(String(turn['turn_id']), /^turn_[0-9a-f]{16}$/)
  assert.equal((turn['memory'] as Record<string, unknown>)['written'], true)
  assert.equal(typeof (turn['latency'] as Record<string, unknown>)['total_ms'], 'number')
})

test('every neighbour is reachable from the gateway', async () => {
  const deps = JSON.stringify(dataOf(await ask('api-gateway', { path: '/v1/deps' })))
  for (const name of ['model-router', 'memory-engine', 'openclaw', 'eva-os'])
    assert.match(deps, new RegExp(name))
})
