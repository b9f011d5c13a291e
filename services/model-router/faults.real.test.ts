import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import OpenAI from 'openai'
import { type DoubleProcess, startDouble } from './testing/double-process.ts'
import { type RouterUnderTest, startRouter as startWith } from './testing/router-under-test.ts'

// Two models at one double process: rules by model decide which of them fails.

let double: DoubleProcess
let router: RouterUnderTest

before(async () => {
  double = await startDouble()
})
after(() => double.stop())

interface Event {
  readonly choices?: readonly {
    readonly delta: { readonly content?: string }
    readonly finish_reason?: string
  }[]
  readonly error?: { readonly code: string; readonly type: string; readonly details: Record<string, string> }
  readonly sonia?: Record<string, unknown>
  readonly id?: string
}

interface Answer {
  readonly choices: readonly { readonly message: { readonly content: string } }[]
  readonly sonia: { readonly provider: string; readonly reason_code: string }
}

const FAST = { first_token_ms: 300, idle_ms: 300, complete_ms: 500 }

async function startRouter(
  options: { profile?: object; providers?: object; more?: object } = {},
): Promise<void> {
  const provider = (model: string) => ({
    kind: 'openai',
    base_url: double.baseUrl,
    models: [{ name: model }],
  })
  const config = {
    providers: options.providers ?? { first: provider('one'), second: provider('two') },
    profiles: { chat_low_latency: { ...FAST, ...options.profile } },
    breaker: { consecutive_failures: 3, open_ms: 200 },
    ...options.more,
  }
  router = await startWith(config)
}

const stream = (body: object = {}) => router.chat({ stream: true, ...body })

async function eventsOf(answer: Response): Promise<{ events: Event[]; isDone: boolean; raw: string }> {
  const raw = await answer.text()
  const datas = raw
    .split('\n\n')
    .filter((unit) => unit.startsWith('data: '))
    .map((unit) => unit.slice(6))
  const isDone = datas.at(-1) === '[DONE]'
  return {
    events: datas.filter((data) => data !== '[DONE]').map((data) => JSON.parse(data) as Event),
    isDone,
    raw,
  }
}

const textOf = (events: readonly Event[]) =>
  events.map((event) => event.choices?.[0]?.delta.content ?? '').join('')
const ECHO = 'You said: alpha beta gamma delta'

const BEFORE_TOKEN: readonly (readonly [what: string, fault: object])[] = [
  ['the connection is reset', { kind: 'refuse' }],
  ['500', { kind: 'status', status: 500 }],
  ['429 with Retry-After', { kind: 'status', status: 429, retry_after: '1' }],
  ['401', { kind: 'status', status: 401 }],
  ['404', { kind: 'status', status: 404 }],
  ['nothing comes', { kind: 'stall_before_token' }],
]

describe('a fault before the first token is invisible: the next candidate answers', () => {
  beforeEach(() => startRouter())
  const streamed = [
    ...BEFORE_TOKEN,
    ['headers and an empty chunk come, and nothing more', { kind: 'stall_before_token', headers: true }],
    ['an error event instead of a token', { kind: 'error_event', tokens: 0 }],
    ['a malformed chunk instead of a token', { kind: 'malformed_chunk', tokens: 0 }],
    ['a clean end without a token', { kind: 'cut', tokens: 0, clean: true }],
    ['single bytes too slow to ever be an event', { kind: 'slow_drip', delay_ms: 40 }],
  ] as const
  for (const [what, fault] of streamed) {
    test(`${what} (streamed)`, async (t) => {
      t.after(() => router.stop())
      await double.setFaults([{ model: 'one', fault }])
      const answer = await stream()
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('x-sonia-provider'), 'second')
      assert.equal(answer.headers.get('x-sonia-reason-code'), 'FALLBACK_USED')
      const { events, isDone } = await eventsOf(answer)
      assert.equal(textOf(events), ECHO)
      assert.ok(isDone)
      assert.ok(events.every((event) => event.error === undefined))
    })
  }
  const whole = [
    ...BEFORE_TOKEN,
    ['half an answer, then silence', { kind: 'stall_after_token' }],
    ['half an answer, then a cut', { kind: 'cut' }],
    ['an answer that is no JSON', { kind: 'malformed_chunk' }],
    ['an answer later than the profile waits', { kind: 'delay', delay_ms: 5000 }],
  ] as const
  for (const [what, fault] of whole) {
    test(`${what} (whole)`, async (t) => {
      t.after(() => router.stop())
      await double.setFaults([{ model: 'one', fault }])
      const answer = await router.chat()
      const body = (await answer.json()) as Answer
      assert.equal(body.choices[0]?.message.content, ECHO)
      assert.equal(body.sonia.provider, 'second')
      assert.equal(body.sonia.reason_code, 'FALLBACK_USED')
    })
  }
})

describe('after the first token', () => {
  const broken = [
    ['cut', 'cut', { kind: 'cut', tokens: 2 }],
    ['ended without its finish', 'cut', { kind: 'cut', tokens: 2, clean: true }],
    ['gone quiet', 'stalled', { kind: 'stall_after_token', tokens: 2 }],
    ['malformed', 'malformed', { kind: 'malformed_chunk', tokens: 2 }],
    ['an error event', 'server_error', { kind: 'error_event', tokens: 2 }],
  ] as const
  for (const [what, reason, fault] of broken) {
    test(`a stream ${what} ends in a typed error, never in an untyped truncation`, async (t) => {
      await startRouter()
      t.after(() => router.stop())
      await double.setFaults([{ model: 'one', fault }])
      const { events, isDone } = await eventsOf(await stream())
      assert.equal(textOf(events), 'You said: ')
      const last = events.at(-1)
      assert.equal(last?.error?.type, 'upstream_error')
      assert.equal(last?.error?.code, 'UNAVAILABLE')
      assert.deepEqual(last?.error?.details, { reason, provider: 'first' })
      assert.equal(isDone, false)
    })

    test(`a stream ${what} goes on elsewhere where the profile allows it`, async (t) => {
      await startRouter({ profile: { continue_elsewhere: true } })
      t.after(() => router.stop())
      await double.setFaults([{ model: 'one', fault }])
      const { events, isDone } = await eventsOf(await stream())
      assert.ok(isDone)
      assert.match(textOf(events), /^You said: You said: Your answer was cut off\./)
      assert.deepEqual(events.at(-1)?.sonia, {
        provider: 'second',
        reason_code: 'FALLBACK_USED',
        continued: true,
      })
      assert.equal(new Set(events.map(({ id }) => id)).size, 1)
      const sent = (await double.state()).seen.at(-1)?.body['messages'] as { role: string; content: string }[]
      assert.deepEqual(sent.at(-2), { role: 'assistant', content: 'You said: ' })
    })
  }
})

describe('the end of a broken answer', () => {
  test('an unchanged OpenAI client sees an error where the answer broke off, and not the end of an answer', async (t) => {
    await startRouter()
    t.after(() => router.stop())
    await double.setFaults([{ model: 'one', fault: { kind: 'cut', tokens: 2 } }])
    const client = new OpenAI({
      apiKey: 'none',
      baseURL: `${router.url}/v1`,
      defaultHeaders: router.token,
      maxRetries: 0,
    })
    const answer = await client.chat.completions.create({
      model: 'sonia',
      stream: true,
      messages: [{ role: 'user', content: 'alpha beta gamma' }],
    })
    let text = ''
    await assert.rejects(
      async () => {
        for await (const chunk of answer) text += chunk.choices[0]?.delta.content ?? ''
      },
      { code: 'UNAVAILABLE', type: 'upstream_error' },
    )
    assert.equal(text, 'You said: ')
  })

  test('a broken tool call is never continued: the tool could run twice', async (t) => {
    await startRouter({ profile: { continue_elsewhere: true } })
    t.after(() => router.stop())
    await double.setFaults([{ model: 'one', fault: { kind: 'cut', tokens: 1 } }])
    const tools = [{ type: 'function', function: { name: 'f' } }]
    const { events } = await eventsOf(
      await stream({ tools, messages: [{ role: 'user', content: 'call f {"a":1}' }] }),
    )
    assert.equal(events.at(-1)?.error?.details['reason'], 'cut')
  })

  test("when nobody can go on, the end is typed; the embedded stand-in does not finish a model's sentence", async (t) => {
    await startRouter({ profile: { continue_elsewhere: true } })
    t.after(() => router.stop())
    await double.setFaults([
      { model: 'one', fault: { kind: 'cut' } },
      { model: 'two', fault: { kind: 'status', status: 500 } },
    ])
    const { events } = await eventsOf(await stream())
    assert.deepEqual(events.at(-1)?.error?.details, { reason: 'cut', provider: 'first' })
  })

  for (const stall of [false, true]) {
    const how = stall ? 'and the connection stays open' : 'and the stream ends'
    test(`a finished answer whose closing mark never comes (${how}) is completed with it`, async (t) => {
      await startRouter()
      t.after(() => router.stop())
      await double.setFaults([{ model: 'one', fault: { kind: 'no_closing_mark', stall } }])
      const { events, isDone } = await eventsOf(await stream())
      assert.equal(textOf(events), ECHO)
      assert.equal(events.at(-1)?.choices?.[0]?.finish_reason, 'stop')
      assert.ok(isDone)
    })
  }
})
