import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type MemoryService, startMemoryEngine } from '../testing.ts'

const JSON_LINES = 'application/x-ndjson'
let source: MemoryService
let target: MemoryService
before(async () => {
  source = await startMemoryEngine()
  target = await startMemoryEngine()
})
after(async () => {
  await source.stop()
  await target.stop()
})

const line = (value: object) => `${JSON.stringify(value)}\n`
const items = async (memory: MemoryService) => (await memory.call('GET', '/query/stats')).body.items

for (const [what, body, code] of [
  ['a line that is not JSON', `${line({ type: 'a', content: 'x' })}{"type":`, '400 INVALID_ARGUMENT'],
  ['a line that is no memory', line({ type: 'a' }), '400 INVALID_ARGUMENT'],
  ['an unknown field', line({ type: 'a', content: 'x', extra: 1 }), '400 INVALID_ARGUMENT'],
  ['an id of another form', line({ type: 'a', content: 'x', id: 'mem_1' }), '400 INVALID_ARGUMENT'],
  ['a time that is none', line({ type: 'a', content: 'x', created_at: 'yesterday' }), '400 INVALID_ARGUMENT'],
  ['a lone surrogate', '{"type":"a","content":"\\ud800"}\n', '400 INVALID_ARGUMENT'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), '400 INVALID_ARGUMENT'],
  ['content too long', line({ type: 'a', content: 'x'.repeat(262_145) }), '413 TOO_LARGE'],
] as const) {
  test(`import refuses ${what}, and keeps nothing of the whole`, async () => {
    const { status, body: answer } = await target.send('/import', body, JSON_LINES)
    assert.equal(`${status} ${answer.error.code}`, code)
    assert.equal(await items(target), 0)
  })
}

test('import gives up on a line that no memory could be, without waiting for its end', async () => {
  const body = line({ type: 'a', content: 'x' }) + 'x'.repeat(4 << 20)
  const { status, body: answer } = await target.send('/import', body, JSON_LINES)
  assert.equal(status, 413)
  assert.deepEqual([answer.error.code, answer.error.details?.['line']], ['TOO_LARGE', 2])
  assert.equal(await items(target), 0)
})

test('import refuses an id that comes again with something else, and takes the same line twice as one', async (t) => {
  const memory = await startMemoryEngine()
  t.after(() => memory.stop())
  const first = { type: 'a', content: 'x', id: 'mem_00000000000a' }
  for (const other of [{ content: 'y' }, { type: 'b' }, { metadata: { n: 1 } }, { session_id: 's' }]) {
    const body = line(first) + line({ type: 'a', content: 'between' }) + line({ ...first, ...other })
    const { status, body: answer } = await memory.send('/import', body, JSON_LINES)
    assert.deepEqual([status, answer.error.code], [400, 'INVALID_ARGUMENT'])
    assert.equal(answer.error.details?.['line'], 3)
    assert.equal(await items(memory), 0)
  }
  const { body: answer } = await memory.send('/import', line(first).repeat(2), JSON_LINES)
  assert.deepEqual([answer.imported, answer.already_known], [1, 1])
})

test('import names the line that is wrong', async () => {
  const body = line({ type: 'a', content: 'x' }) + line({ type: 'a', content: 'y' }) + 'nonsense\n'
  const { body: answer } = await target.send('/import', body, JSON_LINES)
  assert.equal(answer.error.details?.['line'], 3)
})

test('import refuses more bytes than it may take', async (t) => {
  const small = await startMemoryEngine({ config: { import_bytes_max: 2000 } })
  t.after(() => small.stop())
  const { status } = await small.send('/import', line({ type: 'a', content: 'x' }).repeat(200), JSON_LINES)
  assert.equal(status, 413)
})

test('what is exported and imported elsewhere is the same, and importing it again changes nothing', async () => {
  for (let n = 0; n < 620; n++) {
    const body = {
      type: n % 2 === 0 ? 'fact' : 'turn',
      content: `memory ${n} "quoted"\n日本`,
      metadata: { n },
      session_id: `s${n % 5}`,
    }
    await source.call('POST', '/store', body)
  }
  const exported = await source.call('GET', '/export')
  assert.equal(exported.status, 200)
  assert.equal(exported.text.trimEnd().split('\n').length, 620)
  const first = await target.send('/import', exported.text, JSON_LINES)
  assert.deepEqual([first.body.imported, first.body.already_known], [620, 0])
  const second = await target.send('/import', exported.text, JSON_LINES)
  assert.deepEqual([second.body.imported, second.body.already_known], [0, 620])
  assert.equal((await target.call('GET', '/export')).text, exported.text)
  const { body } = await target.call('POST', '/search', { query: 'memory 417' })
  assert.equal(body.results[0]?.content, 'memory 417 "quoted"\n日本')
})
