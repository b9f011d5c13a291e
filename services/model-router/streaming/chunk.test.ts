import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createAnthropicReader } from '../providers/anthropic-stream.ts'
import type { StreamPart } from '../provider.ts'
import { UpstreamFault } from '../upstream-fault.ts'
import { readChunk } from './chunk.ts'
import { createSseParser } from './sse-parser.ts'

fc.configureGlobal({ seed: 20261124 })

const unitOf = (data: string) => ({ raw: Buffer.from(`data: ${data}\n\n`), event: null, data })
const read = (value: unknown) => readChunk(unitOf(JSON.stringify(value)))
const anthropic = () => createAnthropicReader({ created: 0, model: 'm', includeUsage: false })
const readEvent = (value: unknown) => anthropic()(unitOf(JSON.stringify(value)))

for (const [what, data, kind] of [
  ['no JSON', '{"choices": oops', 'malformed'],
  ['a number', '5', 'malformed'],
  ['null', 'null', 'malformed'],
  ['no choices', '{"id":"x"}', 'malformed'],
  ['choices that are none', '{"choices":{}}', 'malformed'],
  ['a choice that is none', '{"choices":[3]}', 'malformed'],
  ['an error', '{"error":{"message":"secret words"}}', 'server_error'],
] as const) {
  test(`a chunk that is ${what} is a fault, and the fault does not quote it`, () => {
    assert.throws(
      () => readChunk(unitOf(data)),
      (error: unknown) => {
        assert.ok(error instanceof UpstreamFault)
        assert.equal(error.kind, kind)
        assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /oops|secret/)
        return true
      },
    )
  })
}

test('what a chunk means is read from it', () => {
  const chunk = (delta: object, finish: string | null = null) => ({
    choices: [{ delta, finish_reason: finish }],
  })
  assert.equal(read(chunk({ role: 'assistant', content: '' })).hasToken, false)
  assert.deepEqual(pick(read(chunk({ content: 'a' }))), ['a', true, false, false])
  assert.deepEqual(pick(read(chunk({ tool_calls: [{ index: 0 }] }))), ['', true, true, false])
  assert.deepEqual(pick(read(chunk({ reasoning_content: 'hm' }))), ['', true, false, false])
  assert.deepEqual(pick(read(chunk({}, 'stop'))), ['', true, false, true])
  assert.deepEqual(read({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } }).usage, {
    inputTokens: 1,
    outputTokens: 2,
  })
  assert.equal(readChunk(unitOf('[DONE]')).isEnd, true)
})

const pick = (part: StreamPart) => [part.text, part.hasToken, part.beginsToolCall, part.isFinished]

test('Anthropic: an error event is a fault, unknown events and pings are nothing', () => {
  assert.throws(() => readEvent({ type: 'error', error: { type: 'overloaded_error', message: 'x' } }), {
    kind: 'server_error',
  })
  for (const type of ['ping', 'something_new', '__proto__', 'constructor']) {
    assert.equal(readEvent({ type }).raw.length, 0)
  }
  for (const event of [
    { type: 'message_start' },
    { type: 'content_block_delta', index: 0 },
    { type: 'message_delta' },
  ]) {
    assert.throws(() => readEvent(event), { kind: 'malformed' })
  }
})

test('Anthropic: two tools of one answer keep their own index', () => {
  const reader = anthropic()
  const send = (value: unknown) => reader(unitOf(JSON.stringify(value))).chunk?.['choices']
  const start = (index: number, id: string) =>
    send({ type: 'content_block_start', index, content_block: { type: 'tool_use', id, name: 'f' } })
  const delta = (index: number) =>
    send({ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: '{}' } })
  const indexOf = (choices: unknown) =>
    (choices as { delta: { tool_calls: { index: number }[] } }[])[0]?.delta.tool_calls[0]?.index
  assert.deepEqual([start(1, 'a'), start(2, 'b'), delta(1), delta(2)].map(indexOf), [0, 1, 0, 1])
})

test('whatever JSON comes, the readers answer with a part or with a fault, never with another error', () => {
  const key = fc.constantFrom(
    'type',
    'choices',
    'delta',
    'content',
    'usage',
    'index',
    'message',
    'error',
    'x',
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.integer(),
      fc.constant(null),
      tie('list'),
      tie('object'),
    ),
    list: fc.array(tie('value'), { maxLength: 3 }),
    object: fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  }))
  const typed = fc.tuple(
    fc.constantFrom(
      'message_start',
      'content_block_start',
      'content_block_delta',
      'message_delta',
      'message_stop',
    ),
    fc.dictionary(key, value),
  )
  const mustBeFault = (run: () => StreamPart) => {
    try {
      assert.ok(Buffer.isBuffer(run().raw))
    } catch (error) {
      assert.ok(error instanceof UpstreamFault, String(error))
    }
  }
  fc.assert(fc.property(value, (each) => mustBeFault(() => read(each))))
  fc.assert(fc.property(typed, ([type, fields]) => mustBeFault(() => readEvent({ ...fields, type }))))
})

test('the chunks that Anthropic events become are units of a stream themselves', () => {
  const { raw } = readEvent({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: 'a\nb' },
  })
  const [unit] = createSseParser({ maxUnitBytes: 1000 }).push(raw)
  assert.equal(readChunk(unit ?? unitOf('')).text, 'a\nb')
})
