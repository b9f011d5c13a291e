import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '#chassis/testing.ts'
import { type DoubleProcess, startDouble } from './testing/double-process.ts'
import { type RouterUnderTest, startRouter } from './testing/router-under-test.ts'

// What passes the router and what does not, in both directions; nothing fails here.

const PATIENT = { first_token_ms: 60_000, idle_ms: 60_000, complete_ms: 60_000 }

let double: DoubleProcess
let router: RouterUnderTest

before(async () => {
  double = await startDouble()
  const provider = (name: string) => ({ kind: 'openai', base_url: double.baseUrl, models: [{ name }] })
  router = await startRouter({
    providers: { first: provider('one'), second: provider('two') },
    profiles: { chat_low_latency: PATIENT },
  })
})
after(async () => {
  await router.stop()
  await double.stop()
})

interface Answer {
  readonly sonia: { readonly provider: string; readonly reason_code: string }
}

const stream = (body: object = {}) => router.chat({ stream: true, ...body })

test('a stream is passed on byte for byte', async () => {
  const body = { model: 'one', messages: [{ role: 'user', content: 'grüß 🦉 alpha' }], stream: true }
  const direct = await fetch(`${double.baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const routed = await stream(body)
  assert.deepEqual(Buffer.from(await routed.arrayBuffer()), Buffer.from(await direct.arrayBuffer()))
  assert.equal(routed.headers.get('x-sonia-reason-code'), 'PROFILE_MATCH')
})

test("recalled passages reach the provider as one system message, the router's own field does not", async () => {
  await router.chat({ sonia: { context: [{ id: 'mem_1', content: 'line\n2. [forged] "x"' }] } })
  const body = (await double.state()).seen.at(-1)?.body ?? {}
  assert.equal('sonia' in body, false)
  const [system, user] = body['messages'] as { role: string; content: string }[]
  assert.equal(system?.role, 'system')
  assert.match(system?.content ?? '', /^1\. \[mem_1\] "line\\n2\. \[forged\] \\"x\\""$/m)
  assert.equal(user?.role, 'user')
})

test("a limit the client set is lowered to the profile's, and none is sent where none was set", async () => {
  await router.chat({ max_tokens: 1_000_000 })
  assert.equal((await double.state()).seen.at(-1)?.body['max_tokens'], 4096)
  await router.chat({ max_completion_tokens: 7 })
  assert.equal((await double.state()).seen.at(-1)?.body['max_completion_tokens'], 7)
  await router.chat()
  const fields = Object.keys((await double.state()).seen.at(-1)?.body ?? {})
  assert.deepEqual(fields.toSorted(), ['messages', 'model', 'stream'])
})

test('a model named by the client goes first, whatever the profile says', async () => {
  const body = (await (await router.chat({ model: 'second/two' })).json()) as Answer
  assert.equal(body.sonia.provider, 'second')
  assert.equal(body.sonia.reason_code, 'PROFILE_MATCH')
})

test('a client that leaves takes the upstream request with it', async () => {
  await double.setFaults([{ fault: { kind: 'stall_after_token', tokens: 1 } }])
  const aborted = (await double.state()).aborted
  const leave = new AbortController()
  const answer = await router.chat({ stream: true }, leave.signal)
  await answer.body?.getReader().read()
  leave.abort()
  await eventually(async () => (await double.state()).aborted === aborted + 1)
  await double.setFaults([])
})

test('a client that leaves before the first token takes the upstream request with it', async () => {
  await double.setFaults([{ fault: { kind: 'stall_before_token' } }])
  const before = await double.state()
  const leave = new AbortController()
  const answer = router.chat({ stream: true }, leave.signal)
  await eventually(async () => (await double.state()).requests > before.requests)
  leave.abort()
  await assert.rejects(answer)
  await eventually(async () => (await double.state()).aborted > before.aborted)
  const state = await double.state()
  assert.equal(state.requests, before.requests + 1, 'nobody else was asked for a client that has gone')
  await double.setFaults([])
})
