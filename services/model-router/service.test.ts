import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { buildForTest, type TestService, eventually } from '#chassis/testing.ts'
import { service } from './service.ts'
import {} from './testing/double-process.ts'

fc.configureGlobal({ seed: 20261124 })

let router: TestService
let headers: Record<string, string>

before(async () => {
  router = await buildForTest(service)
  headers = await router.headersFrom('api-gateway')
  await eventually(async () => (await router.app.inject({ url: '/v1/models', headers })).statusCode === 200)
})
after(() => router.stop())

const post = (url: string, payload: unknown, extra: Record<string, string> = {}) =>
  router.app.inject({
    method: 'POST',
    url,
    payload: JSON.stringify(payload),
    headers: { 'content-type': 'application/json', ...headers, ...extra },
  })
const complete = (body: object) => post('/v1/chat/completions', body)
const ask = (content: string, more: object = {}) => ({ messages: [{ role: 'user', content }], ...more })

const body = ask('hello')
const asText = (payload: string | Buffer) =>
  router.app.inject({
    method: 'POST',
    url: '/v1/chat/completions',
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  })

describe('a request that cannot be answered gets its code and the service lives on', () => {
  const cases: readonly (readonly [what: string, payload: unknown, status: number, code: string])[] = [
    ['no messages', {}, 422, 'INVALID_ARGUMENT'],
    ['messages of the wrong type', { messages: 'hello' }, 422, 'INVALID_ARGUMENT'],
    ['no message at all', { messages: [] }, 400, 'INVALID_ARGUMENT'],
    ['a message without role', { messages: [{ content: 'x' }] }, 422, 'INVALID_ARGUMENT'],
    ['an unknown role', { messages: [{ role: 'root', content: 'x' }] }, 400, 'INVALID_ARGUMENT'],
    ['content of the wrong type', { messages: [{ role: 'user', content: 5 }] }, 422, 'INVALID_ARGUMENT'],
    ['a negative limit', { ...body, max_tokens: -1 }, 400, 'INVALID_ARGUMENT'],
    ['a limit that is no integer', { ...body, max_tokens: 1.5 }, 422, 'INVALID_ARGUMENT'],
    ['a temperature out of range', { ...body, temperature: 9 }, 400, 'INVALID_ARGUMENT'],
    ['stream of the wrong type', { ...body, stream: 'yes' }, 422, 'INVALID_ARGUMENT'],
    ['more than one choice', { ...body, n: 2 }, 400, 'INVALID_ARGUMENT'],
    ['an unknown model', { ...body, model: 'no-such-model' }, 404, 'NOT_FOUND'],
    ['an unknown profile', { ...body, sonia: { profile: 'nope' } }, 404, 'NOT_FOUND'],
    ['a profile of the prototype', { ...body, sonia: { profile: '__proto__' } }, 404, 'NOT_FOUND'],
    ['an unknown field of sonia', { ...body, sonia: { profil: 'x' } }, 400, 'INVALID_ARGUMENT'],
    ['a passage without id', { ...body, sonia: { context: [{ content: 'x' }] } }, 422, 'INVALID_ARGUMENT'],
    [
      'a passage whose id holds a line end',
      { ...body, sonia: { context: [{ id: 'a\nb', content: 'x' }] } },
      400,
      'INVALID_ARGUMENT',
    ],
    ['a body over the limit', ask('x'.repeat(1_100_000)), 413, 'TOO_LARGE'],
    ['more text than the profile takes', ask('x'.repeat(400_001)), 413, 'TOO_LARGE'],
    ['null', null, 422, 'INVALID_ARGUMENT'],
    ['an array', [], 422, 'INVALID_ARGUMENT'],
  ]
  for (const [what, payload, status, code] of cases) {
    test(what, async () => {
      const answer = await complete(payload as object)
      assert.equal(answer.json().error?.code, code, answer.body)
      assert.equal(answer.statusCode, status, answer.body)
      assert.equal((await complete(body)).statusCode, 200)
    })
  }
})

describe('bytes and requests that no client would send', () => {
  test('broken JSON', async () => {
    assert.equal((await asText('{"messages": [')).json().error.code, 'INVALID_ARGUMENT')
  })
  test('bytes that are no UTF-8', async () => {
    const bytes = Buffer.concat([
      Buffer.from('{"messages":[{"role":"user","content":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}]}'),
    ])
    assert.ok([200, 400].includes((await asText(bytes)).statusCode))
  })
  test('__proto__ as a key', async () => {
    const answer = await asText('{"__proto__": {"stream": true}, "messages":[{"role":"user","content":"x"}]}')
    assert.equal(answer.json().error.code, 'INVALID_ARGUMENT')
  })
  test('lone surrogates and NUL are text like any other', async () => {
    const answer = await complete(ask('\ud800 \u0000 hello'))
    assert.equal(answer.statusCode, 200)
  })
  test('no token', async () => {
    const answer = await router.app.inject({ method: 'POST', url: '/v1/chat/completions', payload: body })
    assert.equal(answer.json().error.code, 'UNAUTHORIZED')
  })
  test('embeddings without a provider for them', async () => {
    const answer = await post('/v1/embeddings', { input: 'x' })
    assert.equal(answer.statusCode, 503)
    assert.equal(answer.json().error.details.reason_code, 'NO_PROVIDER')
  })
  test('an unknown task type', async () => {
    assert.equal((await post('/chat', { task_type: 'dance', ...body })).statusCode, 400)
    assert.equal((await router.app.inject({ url: '/route?task_type=dance', headers })).statusCode, 400)
    assert.equal((await router.app.inject({ url: '/route', headers })).statusCode, 400)
  })
})

describe('without configuration the embedded stand-in answers', () => {
  const context = [
    { id: 'mem_0000000000aa', content: 'Anna likes green tea. She lives in Graz.' },
    { id: 'mem_0000000000bb', content: 'The meeting is on Friday.' },
  ]

  test('from the passages it is given, quoted with their ids, and says what it is', async () => {
    const answer = await complete(ask('What tea does Anna like?', { sonia: { context } }))
    const { choices, sonia, usage } = answer.json()
    assert.match(choices[0].message.content, /"Anna likes green tea\." \[mem_0000000000aa\]/)
    assert.doesNotMatch(choices[0].message.content, /Friday/)
    assert.equal(sonia.provider, 'embedded')
    assert.equal(sonia.stand_in, true)
    assert.equal(sonia.reason_code, 'PROFILE_MATCH')
    assert.equal(typeof sonia.overhead_ms, 'number')
    assert.ok(usage.completion_tokens > 0)
    assert.ok(Number(answer.headers['x-sonia-overhead-ms']) >= 0)
  })

  test('the stream says the same as the whole answer', async () => {
    const request = ask('Where does Anna live?', { sonia: { context } })
    const whole = (await complete(request)).json().choices[0].message.content
    const streamed = await complete({ ...request, stream: true })
    assert.equal(streamed.headers['content-type'], 'text/event-stream; charset=utf-8')
    assert.equal(streamed.headers['x-sonia-provider'], 'embedded')
    assert.equal(streamed.headers['x-sonia-stand-in'], 'true')
    const events = streamed.body.split('\n\n').filter((event) => event !== '')
    assert.equal(events.at(-1), 'data: [DONE]')
    const deltas = events
      .slice(0, -1)
      .map((event) => JSON.parse(event.slice(6)).choices[0].delta.content ?? '')
    assert.equal(deltas.join(''), whole)
  })

  test('a plain tool request becomes a tool call when that tool is offered, and only then', async () => {
    const tools = [{ type: 'function', function: { name: 'file_read', parameters: {} } }]
    const offered = (await complete(ask('read the file notes/today.txt', { tools }))).json().choices[0]
    assert.equal(offered.finish_reason, 'tool_calls')
    assert.deepEqual(offered.message.tool_calls[0].function, {
      name: 'file_read',
      arguments: '{"path":"notes/today.txt"}',
    })
    const without = (await complete(ask('read the file notes/today.txt'))).json().choices[0]
    assert.equal(without.finish_reason, 'stop')
  })
})

describe('without configuration the other routes', () => {
  test('/chat answers a kind of work', async () => {
    const answer = await post('/chat', {
      task_type: 'memory',
      ...ask('hello'),
      temperature: 0,
      max_tokens: 10,
    })
    assert.equal(answer.json().profile, 'memory_ops')
    assert.equal(answer.json().provider, 'embedded')
    assert.match(answer.json().response, /stand-in/)
  })

  test('/v1/models, /providers, /profiles and /route say what there is', async () => {
    const get = async (url: string) => (await router.app.inject({ url, headers })).json()
    const models = (await get('/v1/models')).data.map(({ id }: { id: string }) => id)
    assert.deepEqual(models, [
      'sonia',
      'chat_low_latency',
      'reasoning_deep',
      'tool_execution',
      'memory_ops',
      'embedded/extractive',
    ])
    const [provider] = (await get('/providers')).providers
    assert.equal(provider.id, 'embedded')
    assert.equal(provider.models[0].breaker, 'closed')
    assert.equal((await get('/profiles')).default, 'chat_low_latency')
    const route = await get('/route?task_type=reasoning')
    assert.equal(route.profile, 'reasoning_deep')
    assert.equal(route.reason_code, 'PROFILE_MATCH')
  })
})

test('no body whatever makes it fail: a refusal has its code, an answer its shape', async () => {
  const scalar = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null))
  const field = fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 3 }),
    fc.dictionary(fc.string(), scalar, { maxKeys: 3 }),
  )
  const part = fc.record({ type: fc.constantFrom('text', 'image_url'), text: scalar, image_url: field })
  const message = fc.record(
    {
      role: fc.constantFrom('user', 'assistant', 'tool', 'system', 'x'),
      content: fc.oneof(fc.string({ unit: 'binary' }), scalar, fc.array(part, { maxLength: 3 })),
      tool_calls: fc.array(field, { maxLength: 2 }),
    },
    { requiredKeys: ['role'] },
  )
  const body = fc.record(
    {
      messages: fc.oneof(fc.array(message, { minLength: 1, maxLength: 4 }), field),
      stream: fc.oneof(fc.boolean(), scalar),
      model: fc.constantFrom('sonia', 'embedded/extractive', '', 'x'),
      tools: fc.array(
        fc.record({ type: fc.constant('function'), function: fc.record({ name: fc.string() }) }),
        {
          maxLength: 2,
        },
      ),
      sonia: fc.record({
        context: fc.array(fc.record({ id: fc.string(), content: fc.string() }), { maxLength: 2 }),
      }),
      max_tokens: scalar,
    },
    { requiredKeys: ['messages'] },
  )
  const seen = new Set<number>()
  await fc.assert(
    fc.asyncProperty(body, async (payload) => {
      const answer = await complete(payload)
      seen.add(answer.statusCode)
      assert.ok([200, 400, 404, 422].includes(answer.statusCode), answer.body)
      if (answer.statusCode !== 200) assert.equal(answer.json().ok, false)
    }),
    { numRuns: 300 },
  )
  assert.ok(seen.has(200) && seen.has(422), 'the property saw both answers and refusals')
})
