import assert from 'node:assert/strict'
import { trace } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { after, afterEach, before, test } from 'node:test'
import { connect } from 'node:net'
import { eventually } from '#chassis/testing.ts'
import { type DoubleProcess, startDouble } from './testing/double-process.ts'
import { type RouterUnderTest, startRouter } from './testing/router-under-test.ts'

let double: DoubleProcess
let router: RouterUnderTest

before(async () => {
  double = await startDouble()
})
after(() => double.stop())
afterEach(async () => {
  await router.stop()
  await double.setFaults([])
})

const model = (name: string, more: object = {}) => ({
  kind: 'openai',
  base_url: double.baseUrl,
  models: [{ name, ...more }],
})
const two = () => ({ first: model('one'), second: model('two') })
const always = (name: string, fault: object) => ({ model: name, fault })
const requestsOf = async (name: string) =>
  (await double.state()).seen.filter(({ body }) => body['model'] === name).length

test('nobody left: 503 with reason NO_PROVIDER, and Retry-After where a rest will end', async () => {
  router = await startRouter({ providers: { first: model('one') }, embedded: false })
  await double.setFaults([always('one', { kind: 'status', status: 429, retry_after: '7' })])
  const answer = await router.ask()
  assert.equal(answer.status, 503)
  assert.equal(answer.body.error.code, 'UNAVAILABLE')
  assert.equal(answer.body.error.details['reason_code'], 'NO_PROVIDER')
  assert.equal(answer.headers.get('retry-after'), '7')
  const streamed = await router.post('/v1/chat/completions', {
    messages: [{ role: 'user', content: 'x' }],
    stream: true,
  })
  assert.equal(streamed.status, 503)
  assert.equal(await router.metric(/^sonia_model_choices_total\{.*chat_low_latency.*NO_PROVIDER/), 2)
})

test('everything configured fails: the embedded stand-in answers, and says why', async () => {
  router = await startRouter({ providers: two() })
  await double.setFaults([{ fault: { kind: 'status', status: 500 } }])
  const { body } = await router.ask()
  assert.equal(body.sonia.provider, 'embedded')
  assert.equal(body.sonia.stand_in, true)
  assert.equal(body.sonia.reason_code, 'FALLBACK_USED')
})

test("a request the provider rejects is the caller's fault: no second provider is asked", async () => {
  router = await startRouter({ providers: two() })
  await double.setFaults([always('one', { kind: 'status', status: 400 })])
  const asked = await requestsOf('two')
  const { status, body } = await router.ask()
  assert.equal(status, 400)
  assert.equal(body.error.code, 'INVALID_ARGUMENT')
  assert.equal(await requestsOf('two'), asked)
})

test('a limited provider rests: it is not asked again, and the reason is QUARANTINED', async () => {
  router = await startRouter({ providers: two() })
  await double.setFaults([always('one', { kind: 'status', status: 429, retry_after: '60' })])
  assert.equal((await router.ask()).body.sonia.reason_code, 'FALLBACK_USED')
  const asked = await requestsOf('one')
  const again = await router.ask()
  assert.equal(again.body.sonia.provider, 'second')
  assert.equal(again.body.sonia.reason_code, 'QUARANTINED')
  assert.equal(await requestsOf('one'), asked)
  assert.equal((await router.get('/route?task_type=chat')).body['reason_code'], 'QUARANTINED')
})

test('a breaker opens after its failures, is seen in health and metrics, and closes after a probe', async () => {
  router = await startRouter({ providers: two(), breaker: { consecutive_failures: 3, open_ms: 150 } })
  await double.setFaults([{ ...always('one', { kind: 'status', status: 500 }), times: 3 }])
  for (let index = 0; index < 3; index++)
    assert.equal((await router.ask()).body.sonia.reason_code, 'FALLBACK_USED')
  assert.equal((await router.ask()).body.sonia.reason_code, 'PROVIDER_UNHEALTHY')
  assert.equal((await router.get('/healthz')).body.status, 'DEGRADED')
  assert.equal(await router.metric(/^sonia_model_breaker_state\{.*first/), 1)
  await eventually(async () => (await router.ask()).body.sonia.provider === 'first')
  assert.equal((await router.get('/healthz')).body.status, 'OK')
  assert.equal(await router.metric(/^sonia_model_breaker_state\{.*first/), 0)
})

test('all places of a model taken: the next request goes elsewhere at once and waits for nobody', async () => {
  router = await startRouter({
    providers: { first: { ...model('one'), max_concurrent: 1 }, second: model('two') },
  })
  await double.setFaults([{ ...always('one', { kind: 'stall_after_token' }), times: 1 }])
  const leave = new AbortController()
  const streaming = await router.post(
    '/v1/chat/completions',
    { messages: [{ role: 'user', content: 'a b c d' }], stream: true },
    { signal: leave.signal },
  )
  const other = await router.ask()
  assert.equal(other.body.sonia.provider, 'second')
  assert.equal(other.body.sonia.reason_code, 'PROVIDER_UNHEALTHY')
  assert.equal(await router.metric(/^sonia_model_in_flight\{.*first/), 1)
  leave.abort()
  await assert.rejects(streaming.text())
  await eventually(async () => (await router.ask()).body.sonia.provider === 'first')
})

test('a budget that is used up passes the provider over, with the reason', async () => {
  const priced = {
    ...model('one', { usd_per_million_input_tokens: 1e6, usd_per_million_output_tokens: 0 }),
    usd_per_day: 2,
  }
  router = await startRouter({ providers: { first: priced, second: model('two') } })
  assert.equal((await router.ask()).body.sonia.provider, 'first')
  const { body } = await router.ask()
  assert.equal(body.sonia.provider, 'second')
  assert.equal(body.sonia.reason_code, 'BUDGET_EXCEEDED')
  assert.equal(await router.metric(/^sonia_model_cost_usd_total\{.*first/), 2)
})

test('tokens and choices are counted: as reported where the provider reports, as estimates where not', async () => {
  router = await startRouter({ providers: { first: model('one') } })
  await router.ask()
  assert.equal(await router.metric(/^sonia_model_tokens_total\{.*one.*kind="prompt"/), 2)
  assert.equal(await router.metric(/^sonia_model_tokens_total\{.*one.*kind="completion"/), 4)
  const stream = await router.post('/v1/chat/completions', {
    messages: [{ role: 'user', content: 'alpha beta' }],
    stream: true,
  })
  await stream.text()
  assert.equal(await router.metric(/^sonia_model_tokens_total\{.*one.*kind="completion"/), 4)
  assert.equal(await router.metric(/^sonia_model_tokens_total\{.*one.*kind="completion_estimated"/), 5)
  assert.equal(await router.metric(/^sonia_model_choices_total\{.*chat_low_latency.*PROFILE_MATCH/), 2)
  assert.equal(await router.metric(/^sonia_model_first_token_seconds_count\{.*one/), 1)
})

test("the caller's deadline ends a request that waits for a provider: TIMEOUT, and the upstream is left", async () => {
  router = await startRouter({ providers: { first: model('one') } })
  await double.setFaults([{ fault: { kind: 'stall_before_token' } }])
  const aborted = (await double.state()).aborted
  const answer = await router.ask({}, { headers: { 'x-deadline-ms': '150' } })
  assert.equal(answer.body.error.code, 'TIMEOUT')
  assert.equal(answer.status, 408)
  await eventually(async () => (await double.state()).aborted === aborted + 1)
})

test('a deadline after the first token ends the stream with a typed TIMEOUT', async () => {
  router = await startRouter({ providers: { first: model('one') } })
  await double.setFaults([{ fault: { kind: 'stall_after_token' } }])
  const answer = await router.post(
    '/v1/chat/completions',
    { messages: [{ role: 'user', content: 'a b c d' }], stream: true },
    { headers: { 'x-deadline-ms': '250' } },
  )
  assert.equal(answer.status, 200)
  const last = (await answer.text()).trim().split('\n\n').at(-1) ?? ''
  assert.equal(JSON.parse(last.slice('data: '.length)).error.code, 'TIMEOUT')
})

test('embeddings pass through; a failing provider is replaced only by one of the same model', async () => {
  const embedding = (name: string) => ({ name, purpose: 'embeddings' })
  const provider = (...models: object[]) => ({ kind: 'openai', base_url: double.baseUrl, models })
  router = await startRouter({
    providers: {
      a: provider(embedding('small')),
      b: provider(embedding('large')),
      c: provider(embedding('small')),
    },
  })
  const good = await (await router.post('/v1/embeddings', { input: ['alpha', 'beta'] })).json()
  const { data, sonia } = good as { data: { embedding: number[] }[]; sonia: { provider: string } }
  assert.equal(data.length, 2)
  assert.equal(data[0]?.embedding.length, 256)
  assert.equal(sonia.provider, 'a')
  await double.setFaults([{ fault: { kind: 'status', status: 500 }, times: 1 }])
  const other = (await (await router.post('/v1/embeddings', { input: 'alpha' })).json()) as typeof good
  assert.equal((other as { sonia: { provider: string } }).sonia.provider, 'c')
  assert.equal((await router.post('/v1/embeddings', { input: 'alpha', model: 'unknown' })).status, 404)
  assert.equal((await router.post('/v1/embeddings', { input: [] })).status, 422)
  assert.equal((await router.post('/v1/embeddings', {})).status, 422)
})

test('neither log nor spans hold what was said, whatever happens; ids and codes are there', async (t) => {
  const spans = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }),
  )
  t.after(() => trace.disable())
  router = await startRouter({ providers: two() })
  await double.setFaults([
    { ...always('one', { kind: 'malformed_chunk' }), times: 2 },
    { ...always('two', { kind: 'status', status: 400 }), times: 1 },
  ])
  const secret = 'xylophone-words'
  const body = {
    messages: [{ role: 'user', content: `${secret} a b c d` }],
    sonia: { context: [{ id: 'mem_9', content: secret }] },
  }
  await router.ask(body)
  await (await router.post('/v1/chat/completions', { ...body, stream: true })).text()
  await router.ask({ ...body, model: 'no-such' })
  await router.ask(body)
  const told = JSON.stringify(
    spans
      .getFinishedSpans()
      .map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
  )
  assert.doesNotMatch(told, /xylophone/)
  assert.match(told, /"gen_ai.request.model":"one"/)
  const log = await router.logText()
  assert.doesNotMatch(log, /xylophone/)
  assert.match(log, /"fault":"malformed"/)
  assert.match(log, /"reason_code":"PROFILE_MATCH"/)
})

test('no header of ours reaches a provider: no token, no trace, no correlation id', async () => {
  router = await startRouter({ providers: { first: model('one') } })
  await router.ask(
    {},
    {
      headers: {
        traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
        'x-correlation-id': 'corr_12345678',
      },
    },
  )
  const headers = Object.keys((await double.state()).seen.at(-1)?.headers ?? {})
  assert.deepEqual(headers.toSorted(), ['connection', 'content-length', 'content-type', 'host'])
})

test('a provider whose process is gone is like any failing one: the stand-in answers', async () => {
  const gone = await startDouble()
  router = await startRouter({ providers: { first: { ...model('one'), base_url: gone.baseUrl } } })
  assert.equal((await router.ask()).body.sonia.provider, 'first')
  await gone.stop()
  const { body } = await router.ask()
  assert.equal(body.sonia.provider, 'embedded')
  assert.equal(body.sonia.reason_code, 'FALLBACK_USED')
})

test('a stop in the middle of an answer ends it with a typed UNAVAILABLE', async () => {
  router = await startRouter({ providers: { first: model('one') } })
  await double.setFaults([{ fault: { kind: 'stall_after_token' } }])
  const messages = [{ role: 'user', content: 'a b c d' }]
  const answer = await router.post('/v1/chat/completions', { messages, stream: true })
  const [text] = await Promise.all([answer.text(), router.stop()])
  const { error } = JSON.parse(text.trim().split('\n\n').at(-1)?.slice('data: '.length) ?? '{}')
  assert.equal(error.code, 'UNAVAILABLE')
  assert.deepEqual(error.details, { reason: 'stopped', provider: 'first' })
})

test('a client that stops reading holds the provider no longer than its deadline', async (t) => {
  router = await startRouter({ providers: { first: model('one') } })
  // Tens of megabytes of chunks: more than all buffers on the way take.
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'w '.repeat(120_000) }], stream: true })
  const socket = connect(Number(new URL(router.url).port), '127.0.0.1')
  t.after(() => socket.destroy())
  socket.pause()
  socket.write(
    [
      'POST /v1/chat/completions HTTP/1.1',
      'host: 127.0.0.1',
      'content-type: application/json',
      `x-service-token: ${router.token['x-service-token'] ?? ''}`,
      'x-deadline-ms: 3000',
      `content-length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  )
  await eventually(async () => (await double.state()).in_flight === 1)
  await eventually(async () => (await double.state()).in_flight === 0, 10_000)
  const inFlight = /^sonia_model_in_flight\{.*first/
  await eventually(async () => (await router.metric(inFlight).catch(() => 1)) === 0, 10_000)
})
