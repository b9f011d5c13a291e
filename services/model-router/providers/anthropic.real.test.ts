import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type DoubleProcess, startDouble } from '../testing/double-process.ts'
import { type RouterUnderTest, startRouter } from '../testing/router-under-test.ts'

let double: DoubleProcess
let router: RouterUnderTest

before(async () => {
  double = await startDouble()
  const anthropic = {
    kind: 'anthropic',
    base_url: double.baseUrl,
    api_key: 'env:ANTHROPIC_KEY',
    models: [{ name: 'claude' }],
  }
  router = await startRouter(
    { providers: { anthropic }, profiles: { chat_low_latency: { first_token_ms: 300, idle_ms: 300 } } },
    { env: { ANTHROPIC_KEY: 'key-for-test' } },
  )
})
after(async () => {
  await router.stop()
  await double.stop()
})

interface Choice {
  readonly message: { readonly content: string | null; readonly tool_calls?: readonly object[] }
  readonly finish_reason: string
}
interface Answer {
  readonly choices: readonly Choice[]
  readonly usage: object
  readonly sonia: { readonly provider: string; readonly stand_in?: boolean }
}

const ask = (body: object): Promise<Response> => router.post('/v1/chat/completions', body)
const complete = async (body: object) => (await (await ask(body)).json()) as Answer
const lastSeen = async () => (await double.state()).seen.at(-1)
const TOOLS = [
  { type: 'function', function: { name: 'get', description: 'd', parameters: { type: 'object' } } },
]

test('the whole answer, with usage, key and version header; the system text stands apart', async () => {
  const answer = await complete({
    messages: [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'alpha beta' },
    ],
    temperature: 1.5,
    stop: 'END',
    sonia: { context: [{ id: 'mem_1', content: 'note' }] },
  })
  assert.equal(answer.choices[0]?.message.content, 'You said: alpha beta')
  assert.equal(answer.choices[0]?.finish_reason, 'stop')
  assert.equal(answer.sonia.provider, 'anthropic')
  assert.equal('stand_in' in answer.sonia, false)
  const seen = await lastSeen()
  assert.equal(seen?.headers['x-api-key'], 'key-for-test')
  assert.equal(seen?.headers['anthropic-version'], '2023-06-01')
  assert.match(String(seen?.body['system']), /^be brief\n\nNotes recalled[^]*\[mem_1\] "note"$/)
  assert.equal(seen?.body['temperature'], 1)
  assert.equal(seen?.body['max_tokens'], 4096)
  assert.deepEqual(seen?.body['stop_sequences'], ['END'])
  assert.deepEqual(seen?.body['messages'], [
    { role: 'user', content: [{ type: 'text', text: 'alpha beta' }] },
  ])
})

test('a tool call comes out in the OpenAI format, and its result goes back in theirs', async () => {
  const user = { role: 'user', content: 'call get {"a":1}' }
  const asked = await complete({ messages: [user], tools: TOOLS, tool_choice: 'required' })
  assert.equal(asked.choices[0]?.finish_reason, 'tool_calls')
  const calls = asked.choices[0]?.message.tool_calls ?? []
  assert.deepEqual(calls, [
    { id: 'toolu_double', type: 'function', function: { name: 'get', arguments: '{"a":1}' } },
  ])
  assert.deepEqual((await lastSeen())?.body['tool_choice'], { type: 'any' })

  const results = [
    { role: 'tool', tool_call_id: 'toolu_double', content: 'one' },
    { role: 'tool', tool_call_id: 'toolu_other', content: 'two' },
  ]
  await complete({
    messages: [user, { role: 'assistant', content: null, tool_calls: calls }, ...results],
    tools: TOOLS,
  })
  const sent = (await lastSeen())?.body['messages'] as { role: string; content: object[] }[]
  assert.deepEqual(
    sent.map(({ role }) => role),
    ['user', 'assistant', 'user'],
  )
  assert.deepEqual(sent[1]?.content, [{ type: 'tool_use', id: 'toolu_double', name: 'get', input: { a: 1 } }])
  assert.deepEqual(sent[2]?.content[1], { type: 'tool_result', tool_use_id: 'toolu_other', content: 'two' })
})

interface Chunk {
  readonly choices: readonly {
    readonly delta: { readonly content?: string; readonly tool_calls?: readonly object[] }
    readonly finish_reason: string | null
  }[]
  readonly usage?: object
  readonly error?: { readonly details: object }
}

async function chunksOf(body: object): Promise<{ chunks: Chunk[]; isDone: boolean }> {
  const datas = (await (await ask({ ...body, stream: true })).text())
    .split('\n\n')
    .filter((unit) => unit !== '')
    .map((unit) => unit.slice('data: '.length))
  const chunks = datas.filter((data) => data !== '[DONE]').map((data) => JSON.parse(data) as Chunk)
  return { chunks, isDone: datas.at(-1) === '[DONE]' }
}

test('the stream is a stream of OpenAI chunks, with usage where it was asked for', async () => {
  const { chunks, isDone } = await chunksOf({
    messages: [{ role: 'user', content: 'alpha beta' }],
    stream_options: { include_usage: true },
  })
  assert.ok(isDone)
  assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), 'You said: alpha beta')
  assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, 'stop')
  assert.deepEqual(chunks.at(-1)?.usage, { prompt_tokens: 2, completion_tokens: 4, total_tokens: 6 })
})

test('a streamed tool call comes out piece by piece under one index', async () => {
  const { chunks } = await chunksOf({
    messages: [{ role: 'user', content: 'call get {"a":1}' }],
    tools: TOOLS,
  })
  const calls = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])
  assert.deepEqual(calls, [
    { index: 0, id: 'toolu_double', type: 'function', function: { name: 'get', arguments: '' } },
    { index: 0, function: { arguments: '{"a":1}' } },
  ])
  assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'tool_calls')
})

for (const [reason, fault] of [
  ['cut', { kind: 'cut' }],
  ['stalled', { kind: 'stall_after_token' }],
  ['malformed', { kind: 'malformed_chunk' }],
] as const) {
  test(`a stream that breaks off (${reason}) ends in a typed error`, async () => {
    await double.setFaults([{ fault, times: 1 }])
    const { chunks, isDone } = await chunksOf({ messages: [{ role: 'user', content: 'alpha beta gamma' }] })
    assert.equal(isDone, false)
    assert.deepEqual(chunks.at(-1)?.error?.details, { reason, provider: 'anthropic' })
  })
}

test('overloaded before the first token: the stand-in answers, and says so', async () => {
  await double.setFaults([{ fault: { kind: 'status', status: 529 }, times: 1 }])
  const answer = await complete({ messages: [{ role: 'user', content: 'hello' }] })
  assert.equal(answer.sonia.stand_in, true)
})
