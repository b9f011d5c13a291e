import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import OpenAI from 'openai'
import type { Fault } from '#gates/doubles/faults.ts'
import type { UpstreamDouble } from '#gates/doubles/upstream.ts'
import { serviceToken, serviceUrl } from '#gates/runners/service-access.ts'
import { ask, type FragileStack, startWithDouble, until } from './fragile-stack.ts'
import { connectVoice, startVoiceSession } from './voice-client.ts'

// What a client of the whole stack sees while a model provider fails: from the gateway's door to the provider's socket,
// every process real. Two models at one provider double; the faults are the first one's.

const WAIT_MS = 1500
const PATIENT = { first_token_ms: 60_000, idle_ms: 60_000, complete_ms: 60_000 }
const BREAKER = { consecutive_failures: 4, open_ms: 500 }

let double: UpstreamDouble
let stack: FragileStack
let stop = async (): Promise<void> => undefined

const provider = (baseUrl: string, name: string, more: object = {}) => ({
  kind: 'openai',
  base_url: baseUrl,
  models: [{ name }],
  ...more,
})

before(async () => {
  const waits = { first_token_ms: WAIT_MS, idle_ms: WAIT_MS, complete_ms: WAIT_MS }
  const candidates = ['first/one', 'second/two']
  const running = await startWithDouble((baseUrl) => ({
    'model-router': {
      providers: {
        first: provider(baseUrl, 'one'),
        second: provider(baseUrl, 'two'),
        narrow: provider(baseUrl, 'three', { max_concurrent: 1 }),
      },
      profiles: {
        chat_low_latency: { ...waits, candidates },
        reasoning_deep: { ...waits, candidates, continue_elsewhere: true },
        memory_ops: { ...PATIENT, candidates },
        tool_execution: { ...PATIENT, candidates },
      },
      breaker: BREAKER,
    },
  }))
  ;({ double, stack, stop } = running)
})
after(() => stop())
afterEach(async () => {
  double.faults.set([])
  // Rests and open breakers of this test are over before the next one begins.
  await until('the first provider to answer again', 20_000, async () => (await chat()).provider === 'first')
})

const failing = (fault: Fault, model = 'one') => double.faults.set([{ model, fault }])

interface Chat {
  readonly status: number
  readonly response: unknown
  readonly provider: unknown
  readonly warning: string | undefined
}

async function chat(more: object = {}): Promise<Chat> {
  const body = { message: 'alpha beta gamma', ...more }
  const answer = await ask(stack, 'api-gateway', { path: '/v1/chat', body })
  const { data, warning } = answer.body as {
    data: { response: unknown; provider: unknown } | null
    warning?: { code: string }
  }
  const { response, provider } = data ?? { response: null, provider: null }
  return { status: answer.status, response, provider, warning: warning?.code }
}

/** The events of a streamed chat: name and data. */
async function streamedChat(): Promise<readonly (readonly [string, Record<string, unknown>])[]> {
  const body = { message: 'alpha beta gamma', stream: true }
  const answer = await ask(stack, 'api-gateway', { path: '/v1/chat', body })
  const units = String(answer.body).trim().split('\n\n')
  return units.map((unit) => {
    const [, event = '', data = '{}'] = /^event: (.*)\ndata: (.*)$/.exec(unit) ?? []
    return [event, JSON.parse(data) as Record<string, unknown>] as const
  })
}

const ECHO = 'You said: alpha beta gamma'

describe('a provider that fails before the first token', () => {
  const faults: readonly (readonly [string, Fault])[] = [
    ['resets the connection', { kind: 'refuse' }],
    ['answers 500', { kind: 'status', status: 500 }],
    ['answers 429', { kind: 'status', status: 429, retry_after: '1' }],
    ['stalls', { kind: 'stall_before_token' }],
    ['is cut', { kind: 'cut', tokens: 0 }],
    ['sends what is no answer', { kind: 'malformed_chunk', tokens: 0 }],
  ]
  for (const [what, fault] of faults) {
    test(`${what}: the next one answers, whole and streamed, and the answer says DEGRADED`, async () => {
      failing(fault)
      assert.deepEqual(await chat(), { status: 200, response: ECHO, provider: 'second', warning: 'DEGRADED' })
      const [event, data] = (await streamedChat()).at(-1) ?? []
      assert.equal(event, 'done')
      assert.deepEqual([data?.['response'], data?.['provider']], [ECHO, 'second'])
      assert.match(JSON.stringify(data?.['warning']), /"code":"DEGRADED"/)
    })
  }
})

const client = () =>
  new OpenAI({ apiKey: 'none', baseURL: `${serviceUrl(stack, 'api-gateway')}/v1`, maxRetries: 0 })

async function streamOfOpenAi(model: string): Promise<string> {
  const messages = [{ role: 'user' as const, content: 'alpha beta gamma' }]
  const stream = await client().chat.completions.create({ model, messages, stream: true })
  let text = ''
  try {
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error
    return `${text}[${String(error.code)}]`
  }
  return text
}

describe('a provider that fails after the first token', () => {
  const faults: readonly (readonly [string, Fault])[] = [
    ['is cut', { kind: 'cut', tokens: 2 }],
    ['ends too early', { kind: 'cut', tokens: 2, clean: true }],
    ['stalls', { kind: 'stall_after_token', tokens: 2 }],
    ['sends a malformed chunk', { kind: 'malformed_chunk', tokens: 2 }],
    ['sends an error', { kind: 'error_event', tokens: 2 }],
  ]
  for (const [what, fault] of faults) {
    test(`${what}: a typed end at both doors, or the next one goes on where the profile allows it`, async () => {
      failing(fault)
      const events = await streamedChat()
      assert.deepEqual(
        events.map(([event]) => event),
        ['delta', 'delta', 'error'],
      )
      assert.equal(events.at(-1)?.[1]['code'], 'UNAVAILABLE')
      assert.equal(await streamOfOpenAi('sonia'), 'You said: [UNAVAILABLE]')
      const continued = await streamOfOpenAi('reasoning_deep')
      assert.match(continued, /^You said: You said: Your answer was cut off\./)
      assert.doesNotMatch(continued, /UNAVAILABLE/)
    })
  }
})

describe('a client that leaves takes the request at the provider with it', () => {
  const ways: readonly (readonly [string, string, object])[] = [
    ['a chat', '/v1/chat', { message: 'hello', model: 'memory_ops' }],
    ['a streamed chat', '/v1/chat', { message: 'hello', stream: true, model: 'memory_ops' }],
    [
      'a completion',
      '/v1/chat/completions',
      { messages: [{ role: 'user', content: 'x' }], model: 'memory_ops' },
    ],
    ['a turn', '/v1/turn', { user_id: 'u', conversation_id: 'c', input_text: 'hello' }],
  ]
  for (const [what, path, body] of ways) {
    test(what, async () => {
      failing({ kind: 'stall_before_token' })
      const before = double.state()
      const leave = new AbortController()
      const answer = ask(stack, 'api-gateway', { path, body, signal: leave.signal })
      await until('the provider to be asked', 10_000, () => double.state().in_flight === before.in_flight + 1)
      leave.abort()
      await assert.rejects(answer)
      await until('the provider to be left', 5000, () => double.state().in_flight === before.in_flight)
      assert.equal(double.state().aborted, before.aborted + 1)
    })
  }

  test('an interrupted voice', async () => {
    failing({ kind: 'stall_after_token', tokens: 1 })
    const voice = await connectVoice(stack.portBase, await startVoiceSession(stack.portBase))
    await voice.next('STATUS')
    const before = double.state()
    void voice.ask('alpha beta').catch(() => undefined)
    await until('the provider to be asked', 10_000, () => double.state().in_flight === before.in_flight + 1)
    voice.socket.send(JSON.stringify({ type: 'INTERRUPT', session_id: '', seq: 1, data: {} }))
    await until('the provider to be left', 5000, () => double.state().in_flight === before.in_flight)
    voice.socket.terminate()
  })
})

const askedOf = (model: string) =>
  double.state().seen.filter(({ body }) => (body as { model?: string }).model === model).length

test('a breaker that is open: the provider is not asked, health says so, and a probe closes it', async () => {
  failing({ kind: 'status', status: 500 })
  for (let index = 0; index < BREAKER.consecutive_failures; index++) await chat()
  const token = await serviceToken(stack, 'api-gateway', 'model-router')
  const { body } = await ask(stack, 'model-router', {
    path: '/healthz',
    headers: { 'x-service-token': token },
  })
  assert.equal((body as { status: string }).status, 'DEGRADED')
  const asked = askedOf('one')
  const { provider, warning } = await chat()
  assert.deepEqual([provider, warning], ['second', 'DEGRADED'])
  assert.ok(askedOf('one') <= asked + 1, 'at most the probe')
})

test('all places of a provider taken: the next one answers at once, nobody waits', async () => {
  failing({ kind: 'stall_after_token', tokens: 1 }, 'three')
  const leave = new AbortController()
  const held = ask(stack, 'api-gateway', {
    path: '/v1/chat/completions',
    body: { model: 'narrow/three', stream: true, messages: [{ role: 'user', content: 'a b c' }] },
    signal: leave.signal,
  })
  await until('the place to be taken', 10_000, () => askedOf('three') === 1)
  const other = await chat({ model: 'narrow/three' })
  assert.deepEqual([other.provider, other.warning], ['first', 'DEGRADED'])
  assert.equal(askedOf('three'), 1)
  leave.abort()
  await assert.rejects(held)
})
