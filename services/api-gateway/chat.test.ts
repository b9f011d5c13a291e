import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHAT, completion, gateway, MEMORY, ROUTER, streamText } from './testing.ts'

test('a chat without a message is 422, of the wrong type 422, with a malformed session id 400', async () => {
  const { post } = await gateway(CHAT)
  for (const [payload, status] of [
    [{}, 422],
    [{ message: 7 }, 422],
    [{ message: 'hi', session_id: '../etc' }, 400],
    [{ message: 'hi', session_id: 'ses_0000000000000000' }, 404],
  ] as const) {
    const answer = await post('/v1/chat', payload)
    assert.equal(answer.status, status, JSON.stringify(payload))
    assert.equal(answer.body.data, null)
  }
  const { body } = await post('/v1/chat', {})
  assert.deepEqual(body.error?.details, { field: 'body.message', problem: 'required' })
})

test('a chat recalls, answers from what was recalled, remembers both sides, and says where all came from', async () => {
  const { post, seen } = await gateway(CHAT)
  const { status, body } = await post('/v1/chat', { message: 'What colour is the bicycle?' })
  assert.equal(status, 200)
  assert.equal(body.data?.['response'], 'It is red.')
  assert.deepEqual(body.data?.['context'], [{ id: 'mem_1', score: 2 }])
  assert.equal(body.warning, undefined)
  const routed = seen.find(({ to }) => to === 'model-router')?.body['sonia']
  assert.deepEqual(routed, {
    context: [{ id: 'mem_1', content: 'The bicycle is red.' }],
    profile: 'chat_low_latency',
  })
  const stored = seen
    .filter(({ path }) => path === '/store')
    .map(({ body: { type, content } }) => [type, content])
  assert.deepEqual(stored, [
    ['user_turn', 'What colour is the bicycle?'],
    ['assistant_turn', 'It is red.'],
  ])
})

test('the fields of a chat may come as query parameters', async () => {
  const { post } = await gateway(CHAT)
  const { status, body } = await post('/v1/chat?message=hello')
  assert.deepEqual([status, body.data?.['response']], [200, 'It is red.'])
})

test('a chat that says its message twice is refused with the names of both', async () => {
  const { post, seen } = await gateway(CHAT)
  for (const [url, payload, fields] of [
    ['/v1/chat', { message: 'a', text: 'b' }, ['body.message', 'body.text']],
    ['/v1/chat', { message: 'a', text: 'a' }, ['body.message', 'body.text']],
    ['/v1/chat?message=a&text=b', undefined, ['querystring.message', 'querystring.text']],
    ['/v1/chat?message=a', { message: 'b' }, ['querystring.message', 'body.message']],
    ['/v1/chat?text=a', { message: 'b' }, ['querystring.text', 'body.message']],
    ['/v1/chat?stream=true', { message: 'b' }, ['querystring.stream', 'body.message']],
  ] as const) {
    const { status, body } = await post(url, payload)
    const name = `${url} ${JSON.stringify(payload)}`
    assert.deepEqual([status, body.error?.code], [400, 'INVALID_ARGUMENT'], name)
    assert.deepEqual(body.error?.details?.['fields'], fields, name)
  }
  assert.deepEqual(seen, [])
  assert.equal((await post('/v1/chat?message=a', {})).status, 200)
})

test('memory down: the chat is answered and marked DEGRADED', async () => {
  const { post } = await gateway({ [ROUTER]: () => completion('Good day.') })
  const { status, body } = await post('/v1/chat', { message: 'hello' })
  assert.deepEqual([status, body.ok, body.warning?.code], [200, true, 'DEGRADED'])
})

test('a fallback of the router marks the chat DEGRADED, the configured stand-in does not', async () => {
  const fallback = () => completion('Good day.', { reason_code: 'FALLBACK_USED' })
  const { post } = await gateway({ ...MEMORY, [ROUTER]: fallback })
  assert.equal((await post('/v1/chat', { message: 'hello' })).body.warning?.code, 'DEGRADED')
})

test('router down: 503 in the envelope, and nothing is remembered', async () => {
  const { post, seen } = await gateway(MEMORY)
  const { status, body } = await post('/v1/chat', { message: 'hello' })
  assert.deepEqual([status, body.error?.code, body.data], [503, 'UNAVAILABLE', null])
  assert.equal(
    seen.some(({ path }) => path === '/store'),
    false,
  )
})

test('a streamed chat sends its pieces, then everything that is known about the answer', async () => {
  const { app } = await gateway({ ...MEMORY, [ROUTER]: () => streamText(['It ', 'is red.']) })
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/chat',
    payload: { message: 'colour?', stream: true },
  })
  assert.match(String(answer.headers['content-type']), /^text\/event-stream/)
  const events = answer.body.trim().split('\n\n')
  assert.deepEqual(events.slice(0, 2), [
    'event: delta\ndata: {"text":"It "}',
    'event: delta\ndata: {"text":"is red."}',
  ])
  assert.match(events[2] ?? '', /^event: done\ndata: \{"response":"It is red\."/)
})

test('a stream that breaks off ends in a typed error event, never silently', async () => {
  const { app } = await gateway({ ...MEMORY, [ROUTER]: () => streamText(['It '], '') })
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/chat',
    payload: { message: 'colour?', stream: true },
  })
  assert.match(answer.body, /event: error\ndata: \{"code":"UNAVAILABLE"/)
  assert.doesNotMatch(answer.body, /event: done/)
})

test('a stream that fails before its first piece is an ordinary error answer', async () => {
  const { post } = await gateway(MEMORY)
  assert.equal((await post('/v1/chat', { message: 'x', stream: true })).status, 503)
})

test('the OpenAI door passes unknown fields on, adds recall, and leaves memory alone when told so', async () => {
  const { post, seen } = await gateway(CHAT)
  const messages = [{ role: 'user', content: 'What colour?' }]
  const { body } = await post('/v1/chat/completions', { messages, top_p: 0.5 })
  assert.equal(body['model'], 'm1')
  const [first] = seen.filter(({ to }) => to === 'model-router')
  assert.equal(first?.body['top_p'], 0.5)
  assert.deepEqual(first?.body['sonia'], { context: [{ id: 'mem_1', content: 'The bicycle is red.' }] })
  seen.length = 0
  await post('/v1/chat/completions', { messages, metadata: { sonia_memory: 'off' } })
  assert.deepEqual(
    seen.map(({ to }) => to),
    ['model-router'],
  )
})

test('the OpenAI door tells in the Warning header what its format has no place for', async () => {
  const payload = { messages: [{ role: 'user', content: 'What colour?' }] }
  const url = '/v1/chat/completions'
  const forgetful = await gateway({ [ROUTER]: () => completion('Red.', { reason_code: 'QUARANTINED' }) })
  const answer = await forgetful.app.inject({ method: 'POST', url, payload })
  assert.equal(answer.statusCode, 200)
  assert.match(String(answer.headers['warning']), /memory-engine did not answer; .*\(QUARANTINED\)/)
  const streaming = await gateway({ [ROUTER]: () => streamText(['Red.']) })
  const stream = await streaming.app.inject({ method: 'POST', url, payload: { ...payload, stream: true } })
  assert.match(String(stream.headers['warning']), /memory-engine did not answer/)
  const well = await gateway(CHAT)
  assert.equal((await well.app.inject({ method: 'POST', url, payload })).headers['warning'], undefined)
})

test('what the door does not know as a chat is refused in the envelope', async () => {
  const { post } = await gateway(CHAT)
  for (const [payload, status] of [
    [{}, 422],
    [{ messages: 'hello' }, 422],
    [{ messages: [] }, 400],
    [{ messages: [{ content: 'x' }] }, 422],
    [{ messages: [{ role: 'user', content: 'x' }], model: 7 }, 422],
  ] as const) {
    const answer = await post('/v1/chat/completions', payload)
    assert.deepEqual(
      [answer.status, answer.body.error?.code],
      [status, 'INVALID_ARGUMENT'],
      JSON.stringify(payload),
    )
  }
})
