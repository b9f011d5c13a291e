import assert from 'node:assert/strict'
import { test } from 'node:test'
import OpenAI from 'openai'
import { serviceUrl } from '#gates/runners/service-access.ts'
import { stackUnderTest } from '../stack-under-test.ts'

// The npm package `openai`, unchanged and with its own defaults, against the gateway's door.

async function client(): Promise<OpenAI> {
  const stack = await stackUnderTest()
  return new OpenAI({ apiKey: 'none', baseURL: `${serviceUrl(stack, 'api-gateway')}/v1` })
}

const user = (content: string) => [{ role: 'user' as const, content }]

test('the openai package gets the error of a model that nobody knows, with its code', async () => {
  const openai = await client()
  await assert.rejects(
    openai.chat.completions.create({ model: 'no-such-model', messages: user('hello') }),
    (error) => error instanceof OpenAI.NotFoundError && error.code === 'NOT_FOUND' && error.status === 404,
  )
})

test('the openai package gets a bad request where messages are missing', async () => {
  const openai = await client()
  await assert.rejects(
    openai.chat.completions.create({ model: 'sonia', messages: [] }),
    (error) => error instanceof OpenAI.BadRequestError && error.code === 'INVALID_ARGUMENT',
  )
})

test('the openai package lists the models and completes with each kind of name', async () => {
  const openai = await client()
  const names: string[] = []
  for await (const { id } of openai.models.list()) names.push(id)
  assert.ok(names.includes('sonia') && names.includes('chat_low_latency'), names.join(' '))
  for (const model of ['sonia', 'chat_low_latency', 'embedded/extractive']) {
    const completion = await openai.chat.completions.create({ model, messages: user('hello') })
    assert.equal(completion.object, 'chat.completion')
    assert.notEqual(completion.choices[0]?.message.content ?? '', '')
    assert.equal(completion.choices[0]?.finish_reason, 'stop')
    assert.ok((completion.usage?.total_tokens ?? 0) > 0)
  }
})

test('the openai package streams, and the pieces are the whole answer', async () => {
  const openai = await client()
  const request = {
    model: 'sonia',
    messages: user('Tell me about the harbour.'),
    metadata: { sonia_memory: 'off' },
  }
  const stream = openai.chat.completions.stream(request)
  let text = ''
  stream.on('content', (delta) => {
    text += delta
  })
  const final = await stream.finalChatCompletion()
  assert.equal(text, final.choices[0]?.message.content)
  const whole = await openai.chat.completions.create(request)
  assert.equal(whole.choices[0]?.message.content, text)
})

test('the openai package recalls what an earlier chat told, unless memory is off', async () => {
  const openai = await client()
  const fact = 'Remember that the spare violin string lies in the copper drawer.'
  const question = user('Where does the spare violin string lie?')
  await openai.chat.completions.create({ model: 'sonia', messages: user(fact) })
  const told = await openai.chat.completions.create({ model: 'sonia', messages: question })
  assert.match(told.choices[0]?.message.content ?? '', /copper drawer/)
  const metadata = { sonia_memory: 'off' }
  const blank = await openai.chat.completions.create({ model: 'sonia', messages: question, metadata })
  assert.doesNotMatch(blank.choices[0]?.message.content ?? '', /copper drawer/)
})

test('the openai package gets the tool call that it offered the tool for', async () => {
  const openai = await client()
  const tools = [
    { type: 'function' as const, function: { name: 'file_read', parameters: { type: 'object' } } },
  ]
  const messages = user('read the file notes.txt')
  const { choices } = await openai.chat.completions.create({ model: 'sonia', messages, tools })
  const [call] = choices[0]?.message.tool_calls ?? []
  assert.equal(choices[0]?.finish_reason, 'tool_calls')
  assert.ok(call?.type === 'function')
  assert.deepEqual(JSON.parse(call.function.arguments), { path: 'notes.txt' })
})
