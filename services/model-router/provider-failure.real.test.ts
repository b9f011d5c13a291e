import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type DoubleProcess, startDouble } from './testing/double-process.ts'
import { startTurnPath, type TurnPath } from './testing/turn-path.ts'

// "When a neighbour fails", rows provider and model-router, column chat: the real processes from the gateway to the
// provider, in the order of this file.

let double: DoubleProcess
let path: TurnPath

before(async () => {
  double = await startDouble()
  const providers = { first: { kind: 'openai', base_url: double.baseUrl, models: [{ name: 'm' }] } }
  path = await startTurnPath({ portBase: 27_400, router: { providers } })
})
after(async () => {
  await path.stop()
  await double.stop()
})

interface Chat {
  readonly data: { readonly response: string; readonly provider: string; readonly stand_in: boolean } | null
  readonly warning?: { readonly code: string; readonly message: string }
  readonly error: { readonly code: string } | null
}

async function chat(message: string): Promise<{ status: number; tookMs: number; body: Chat }> {
  const startedAt = performance.now()
  const answer = await fetch(`${path.gatewayUrl}/v1/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message }),
  })
  const body = (await answer.json()) as Chat
  return { status: answer.status, tookMs: performance.now() - startedAt, body }
}

test('the configured provider answers: OK, no warning', async () => {
  const { status, body } = await chat('hello from the gateway')
  assert.equal(status, 200)
  assert.equal(body.data?.provider, 'first')
  assert.equal(body.data?.stand_in, false)
  assert.match(body.data?.response ?? '', /You said: hello from the gateway/)
  assert.equal(body.warning, undefined)
})

test('a streamed chat tells of its provider too', async () => {
  const answer = await fetch(`${path.gatewayUrl}/v1/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'hello in pieces', stream: true }),
  })
  const done = /event: done\ndata: (.*)\n/.exec(await answer.text())?.[1] ?? '{}'
  assert.match(done, /"provider":"first"/)
})

test('the provider is gone: the stand-in answers, DEGRADED', async () => {
  await double.stop()
  const { status, body } = await chat('is anybody there?')
  assert.equal(status, 200)
  assert.equal(body.data?.provider, 'embedded')
  assert.equal(body.data?.stand_in, true)
  assert.equal(body.warning?.code, 'DEGRADED')
  assert.match(body.warning?.message ?? '', /FALLBACK_USED/)
})

test('model-router is gone: 503 within a second', async () => {
  await path.kill('model-router')
  const { status, tookMs, body } = await chat('and now?')
  assert.equal(status, 503)
  assert.equal(body.error?.code, 'UNAVAILABLE')
  assert.ok(tookMs < 1000, `${tookMs} ms`)
})
