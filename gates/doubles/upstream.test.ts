import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { startUpstreamDouble, type UpstreamDouble } from './upstream.ts'

let double: UpstreamDouble

before(async () => {
  double = await startUpstreamDouble()
})
afterEach(() => double.faults.set([]))
after(() => double.close())

const post = (path: string, body: object) =>
  fetch(`${double.baseUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
const CHAT = { model: 'm', messages: [{ role: 'user', content: 'one two three four' }] }
const chat = (more: object = {}) => post('/chat/completions', { ...CHAT, ...more })
const control = (rules: unknown) =>
  fetch(`http://127.0.0.1:${double.port}/double/faults`, { method: 'PUT', body: JSON.stringify(rules) })

const OUT_OF_STEP = [
  [{ fault: { kind: 'cut' }, every: 0 }],
  [{ fault: { kind: 'cut' }, every: 3, offset: 3 }],
  [{ fault: { kind: 'cut' }, every: 2.5 }],
]

test('a misspelt fault is refused: it must not become "no fault"', async () => {
  for (const rules of [
    [{ fault: { kind: 'sttall' } }],
    [{}],
    [null],
    'cut',
    { fault: { kind: 'cut' } },
    ...OUT_OF_STEP,
  ]) {
    assert.equal((await control(rules)).status, 400, JSON.stringify(rules))
  }
})

test('the same request gets the same bytes, streamed and whole', async () => {
  for (const stream of [false, true]) {
    const answers = await Promise.all([1, 2].map(async () => (await chat({ stream })).text()))
    assert.equal(answers[0], answers[1])
    assert.match(answers[0] ?? '', stream ? /data: \[DONE\]\n\n$/ : /You said: one two three four/)
  }
})

test('a rule applies to its model and as often as it says, first match first', async () => {
  await control([
    { model: 'm', times: 1, fault: { kind: 'status', status: 503 } },
    { model: 'other', fault: { kind: 'status', status: 500 } },
  ])
  assert.equal((await chat({ model: 'third' })).status, 200)
  assert.equal((await chat()).status, 503)
  assert.equal((await chat()).status, 200)
  assert.equal((await chat({ model: 'other' })).status, 500)
})

test('a rule for every third request meets the same ones in every run, for its model only', async () => {
  const rules = [
    { model: 'm', every: 3, offset: 1, fault: { kind: 'status', status: 500 } },
    { model: 'm', every: 3, offset: 2, fault: { kind: 'status', status: 503 } },
  ]
  for (let run = 0; run < 2; run++) {
    await control(rules)
    const statuses: number[] = []
    for (let index = 0; index < 7; index++) {
      statuses.push((await chat()).status)
      assert.equal((await chat({ model: 'other' })).status, 200)
    }
    assert.deepEqual(statuses, [200, 500, 503, 200, 500, 503, 200])
  }
})

test('429 bears its Retry-After', async () => {
  double.faults.set([{ fault: { kind: 'status', status: 429, retry_after: '3' } }])
  assert.equal((await chat()).headers.get('retry-after'), '3')
})

test('refuse resets the connection before any answer', async () => {
  double.faults.set([{ fault: { kind: 'refuse' } }])
  await assert.rejects(chat())
})

test('cut breaks off after its tokens: in the middle of an event, or cleanly but too early', async () => {
  double.faults.set([{ times: 1, fault: { kind: 'cut', tokens: 3 } }])
  await assert.rejects(chat({ stream: true }).then((answer) => answer.text()))
  double.faults.set([{ fault: { kind: 'cut', tokens: 3, clean: true } }])
  const text = await (await chat({ stream: true })).text()
  assert.equal(text.match(/"content":"[^"]/g)?.length, 3)
  assert.doesNotMatch(text, /\[DONE\]|finish_reason":"/)
})

test('a stall keeps the connection open and silent, and the double sees who leaves', async () => {
  double.faults.set([{ fault: { kind: 'stall_after_token', tokens: 1 } }])
  const before = double.state()
  const leave = new AbortController()
  const answer = await fetch(`${double.baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...CHAT, stream: true }),
    signal: leave.signal,
  })
  assert.equal(double.state().in_flight, before.in_flight + 1)
  leave.abort()
  await assert.rejects(answer.text())
  const until = performance.now() + 2000
  while (double.state().aborted === before.aborted && performance.now() < until)
    await new Promise(setImmediate)
  assert.equal(double.state().aborted, before.aborted + 1)
})

test('malformed chunk, error event and missing closing mark are what they say', async () => {
  double.faults.set([{ times: 1, fault: { kind: 'error_event' } }])
  assert.match(await (await chat({ stream: true })).text(), /"error":\{"message":"double fails/)
  double.faults.set([{ times: 1, fault: { kind: 'no_closing_mark' } }])
  assert.match(await (await chat({ stream: true })).text(), /"finish_reason":"stop"\}\]\}\n\n$/)
})

test('a tool that is offered is called on request', async () => {
  const tools = [{ function: { name: 'file_read' } }]
  const messages = [{ role: 'user', content: 'call file_read {"path":"a"}' }]
  const body = (await (await chat({ messages, tools })).json()) as { choices: { finish_reason: string }[] }
  assert.equal(body.choices[0]?.finish_reason, 'tool_calls')
})

test('vectors are of length one, and near where words are shared', async () => {
  const input = ['Anna drinks green tea', 'green tea for Anna', 'the train leaves at nine']
  const { data } = (await (await post('/embeddings', { model: 'e', input })).json()) as {
    data: { embedding: number[] }[]
  }
  const dot = (a: number, b: number) =>
    (data[a]?.embedding ?? []).reduce(
      (sum, value, index) => sum + value * (data[b]?.embedding[index] ?? 0),
      0,
    )
  assert.ok(Math.abs(dot(0, 0) - 1) < 1e-3)
  assert.ok(dot(0, 1) > dot(0, 2) + 0.3)
})

test('speech is 50 ms of 16 kHz PCM a character; a transcription says how many bytes arrived', async () => {
  const pcm = Buffer.from(
    await (await post('/audio/speech', { input: 'abc', response_format: 'pcm' })).arrayBuffer(),
  )
  assert.equal(pcm.length, 3 * 800 * 2)
  const wav = Buffer.from(await (await post('/audio/speech', { input: 'abc' })).arrayBuffer())
  assert.equal(wav.toString('latin1', 0, 4), 'RIFF')
  assert.equal(wav.readUInt32LE(4), wav.length - 8)
  const form = new FormData()
  form.set('model', 'w')
  form.set('file', new Blob([pcm]), 'a.wav')
  const heard = await fetch(`${double.baseUrl}/audio/transcriptions`, { method: 'POST', body: form })
  assert.deepEqual(await heard.json(), { text: `heard ${pcm.length} bytes` })
})
