import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ServiceError } from '#chassis/errors.ts'
import { buildForTest, type TestService } from '#chassis/testing.ts'
import { service } from './service.ts'
import { cannedNeighbours, completion, type Reply, streamText, toolCompletion } from './testing.ts'

const stops: (() => Promise<void>)[] = []
after(async () => {
  for (const stop of stops) await stop()
})

const PASSAGES = {
  results: [
    { id: 'mem_1', content: 'The bicycle is red.', score: 2, metadata: { role: 'user' } },
    { id: 'mem_2', content: 'From what I remember ...', score: 1, metadata: { stand_in: true } },
  ],
}
const SEARCH: Reply = () => PASSAGES
const STORE: Reply = () => ({ status: 'stored', id: 'mem_3' })
const MEMORY = { 'memory-engine /search': SEARCH, 'memory-engine /store': STORE }
const ROUTER = 'model-router /v1/chat/completions'
const CHAT = { ...MEMORY, [ROUTER]: () => completion('It is red.') }

interface Gateway extends TestService {
  readonly seen: ReturnType<typeof cannedNeighbours>['seen']
  readonly post: (url: string, payload?: object) => Promise<Answer>
}

interface Answer {
  readonly status: number
  readonly body: {
    readonly ok?: boolean
    readonly data?: Record<string, unknown> | null
    readonly error?: { readonly code: string; readonly details?: Record<string, unknown> } | null
    readonly warning?: { readonly code: string }
    readonly [field: string]: unknown
  }
}

async function gateway(
  replies: Readonly<Record<string, Reply>>,
  config: Record<string, unknown> = {},
  home?: string,
): Promise<Gateway> {
  const neighbours = cannedNeighbours(replies)
  const built = await buildForTest(service, { neighbours, config, ...(home === undefined ? {} : { home }) })
  stops.push(() => built.stop())
  return {
    ...built,
    seen: neighbours.seen,
    post: async (url, payload) => {
      const answer = await built.app.inject({
        method: 'POST',
        url,
        ...(payload === undefined ? {} : { payload }),
      })
      return { status: answer.statusCode, body: answer.json() }
    },
  }
}

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

const EXECUTED: Reply = ({ body }) => ({
  status: 'executed',
  tool_name: body['tool_name'],
  result: { text: 'content' },
  side_effects: [],
})

test('a turn runs the tool that the model asked for and answers with its result', async () => {
  const answers = [toolCompletion('file_read', { path: 'a.txt' }), completion('It says: content')]
  const { post, seen } = await gateway({
    ...MEMORY,
    'openclaw /execute': EXECUTED,
    [ROUTER]: () => answers.shift() ?? completion('?'),
  })
  const request = { user_id: 'ada', conversation_id: 'conv_1', input_text: 'read a.txt' }
  const { body } = await post('/v1/turn', request)
  assert.equal(body.ok, true)
  assert.match(String(body['turn_id']), /^turn_[0-9a-f]{16}$/)
  assert.equal(body['assistant_text'], 'It says: content')
  const quality = body['quality'] as Record<string, unknown>
  assert.deepEqual([quality['tool_calls_attempted'], quality['tool_calls_executed']], [1, 1])
  assert.equal(seen.find(({ to }) => to === 'openclaw')?.body['tool_name'], 'file.read')
})

const APPROVAL_REQUIRED: Reply = () => {
  throw new ServiceError('FORBIDDEN', 'A person must approve this', {
    details: {
      reason: 'APPROVAL_REQUIRED',
      approval_request: { token_id: 'apr_1', summary: 'rm', ttl_seconds: 120 },
    },
  })
}

test('a tool that needs approval ends the turn with the request for it', async () => {
  const { post } = await gateway({
    ...MEMORY,
    'openclaw /execute': APPROVAL_REQUIRED,
    [ROUTER]: () => toolCompletion('shell_run', { command: 'rm x' }),
  })
  const { body } = await post('/v1/turn', { user_id: 'ada', conversation_id: 'conv_1', input_text: 'rm x' })
  const [result] = body['tool_results'] as [Record<string, unknown>]
  assert.equal(result['status'], 'approval_required')
  assert.equal((result['approval_request'] as { token_id: string }).token_id, 'apr_1')
})

test('a model that never stops asking for tools ends the turn in a timeout, bounded', async () => {
  const { post, seen } = await gateway({
    ...MEMORY,
    'openclaw /execute': EXECUTED,
    [ROUTER]: () => toolCompletion('file_read', { path: 'a' }),
  })
  const { body } = await post('/v1/turn', { user_id: 'ada', conversation_id: 'c', input_text: 'loop' })
  assert.deepEqual(
    [body.ok, (body['quality'] as Record<string, unknown>)['completion_reason']],
    [false, 'timeout'],
  )
  assert.equal(seen.filter(({ to }) => to === 'openclaw').length, 5)
})

test('an action passes its principal on and says what openclaw did', async () => {
  const { post, seen } = await gateway({ 'openclaw /execute': EXECUTED })
  const { body } = await post('/v1/action', { tool_name: 'file.read', args: { path: 'a' } })
  assert.deepEqual([body.data?.['status'], body.data?.['tool_name']], ['executed', 'file.read'])
  assert.equal(seen[0]?.body['principal'], 'local')
})

test('an action whose tool is named in the query takes the body as its arguments', async () => {
  const { post, seen } = await gateway({ 'openclaw /execute': EXECUTED })
  await post('/v1/action?tool_name=file.read', { path: 'a' })
  assert.deepEqual(seen[0]?.body['args'], { path: 'a' })
})

test('an action without a tool or with args that are no object is 422', async () => {
  const { post } = await gateway({ 'openclaw /execute': EXECUTED })
  assert.equal((await post('/v1/action', { args: {} })).status, 422)
  assert.equal((await post('/v1/action', { tool_name: 'file.read', args: 'a' })).status, 422)
})

test('the same idempotency key runs once: replay, conflict for another request, conflict while it runs', async () => {
  const running = Promise.withResolvers<object>()
  const begun = Promise.withResolvers<void>()
  let executions = 0
  const { post } = await gateway({
    'openclaw /execute': ({ body }) => {
      executions += 1
      begun.resolve()
      return running.promise.then(() => EXECUTED({ to: 'openclaw', path: '', body, headers: {} }))
    },
  })
  const action = { tool_name: 'file.write', args: { path: 'a', content: 'b' }, idempotency_key: 'k1' }
  const first = post('/v1/action', action)
  await begun.promise
  assert.equal((await post('/v1/action', action)).body.error?.details?.['reason'], 'IDEMPOTENCY_KEY_RUNNING')
  running.resolve({})
  const done = await first
  const again = await post('/v1/action', action)
  assert.deepEqual(again.body.data, done.body.data)
  assert.notEqual(again.body['correlation_id'], done.body['correlation_id'])
  const other = await post('/v1/action', { ...action, args: { path: 'c', content: 'd' } })
  assert.equal(other.body.error?.details?.['reason'], 'IDEMPOTENCY_KEY_REUSED')
  assert.equal(executions, 1)
})

test('a refused action gives its key back, an action that may have run does not', async () => {
  const outcomes: Reply[] = [
    APPROVAL_REQUIRED,
    EXECUTED,
    () => {
      throw new ServiceError('TIMEOUT', 'openclaw did not answer in time')
    },
  ]
  const { post } = await gateway({ 'openclaw /execute': (call) => (outcomes.shift() ?? EXECUTED)(call) })
  const action = { tool_name: 'file.read', args: { path: 'a' }, idempotency_key: 'k2' }
  assert.equal((await post('/v1/action', action)).status, 403)
  assert.equal((await post('/v1/action', action)).status, 200)
  const unsure = { ...action, idempotency_key: 'k3' }
  assert.equal((await post('/v1/action', unsure)).status, 408)
  assert.equal((await post('/v1/action', unsure)).status, 408)
  assert.equal(outcomes.length, 0)
})

test('sessions outlive the process, end when told, and are bounded', async () => {
  const home = await mkdtemp(join(tmpdir(), 'sonia-gateway-'))
  const first = await gateway(CHAT, { sessions_max: 2 }, home)
  const { body } = await first.post('/v1/sessions', { user_id: 'ada' })
  const id = String(body['session_id'])
  assert.match(id, /^ses_[0-9a-f]{16}$/)
  await first.stop()
  const second = await gateway(CHAT, { sessions_max: 2 }, home)
  const found = await second.app.inject({ url: `/v1/sessions/${id}` })
  assert.equal(found.json<{ user_id: string }>().user_id, 'ada')
  assert.equal((await second.post('/v1/chat', { message: 'hi', session_id: id })).status, 200)
  assert.equal((await second.post('/v1/sessions', {})).status, 200)
  assert.equal((await second.post('/v1/sessions', {})).body.error?.code, 'CONFLICT')
  assert.equal((await second.app.inject({ method: 'DELETE', url: `/v1/sessions/${id}` })).statusCode, 200)
  assert.equal((await second.app.inject({ url: `/v1/sessions/${id}` })).statusCode, 404)
  await second.stop()
  await rm(home, { recursive: true })
})

test('a decision carries the credential of the person, which the gateway neither holds nor judges', async () => {
  const { app, seen } = await gateway({
    'eva-os /approve': () => ({ token_id: 'apr_1', status: 'approved' }),
  })
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/approvals/apr_1/approve',
    headers: { 'x-operator-key': 'secret', 'content-type': 'application/json' },
    payload: {},
  })
  assert.equal(answer.statusCode, 200)
  assert.equal(seen[0]?.headers['x-operator-key'], 'secret')
  assert.deepEqual(seen[0]?.body, { token_id: 'apr_1', decision: 'approve' })
})

test('each neighbour is shown with its status, port, latency and breaker', async () => {
  const { app } = await gateway({ 'eva-os /healthz': () => ({ status: 'OK' }) })
  const { data } = (await app.inject({ url: '/v1/deps' })).json<{
    data: { dependencies: Record<string, object> }
  }>()
  assert.deepEqual(Object.keys(data.dependencies).sort(), [
    'eva-os',
    'memory-engine',
    'model-router',
    'openclaw',
    'pipecat',
  ])
  const { status, port } = data.dependencies['eva-os'] as { status: string; port: number }
  assert.deepEqual([status, port], ['OK', 7050])
  assert.equal((data.dependencies['openclaw'] as { status: string }).status, 'UNAVAILABLE')
})

test('too many requests of one principal are refused with the time to wait', async () => {
  const { app } = await gateway(CHAT, { rate_limit_per_minute: 2 })
  const codes: number[] = []
  for (let index = 0; index < 3; index += 1) {
    const answer = await app.inject({ method: 'POST', url: '/v1/chat', payload: { message: 'hi' } })
    codes.push(answer.statusCode)
    if (answer.statusCode === 429) assert.ok(Number(answer.headers['retry-after']) > 0)
  }
  assert.deepEqual(codes, [200, 200, 429])
})
