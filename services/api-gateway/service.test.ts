import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { CHAT, gateway, standingClock } from './testing.ts'

test('sessions outlive the process, end when told, and are bounded', async () => {
  const home = await mkdtemp(join(tmpdir(), 'sonia-gateway-'))
  const first = await gateway(CHAT, { sessions_max: 2 }, { home })
  const { body } = await first.post('/v1/sessions', { user_id: 'ada' })
  const id = String(body['session_id'])
  assert.match(id, /^ses_[0-9a-f]{16}$/)
  await first.stop()
  const second = await gateway(CHAT, { sessions_max: 2 }, { home })
  const found = await second.app.inject({ url: `/v1/sessions/${id}` })
  assert.equal(found.json<{ user_id: string }>().user_id, 'ada')
  assert.equal((await second.post('/v1/chat', { message: 'hi', session_id: id })).status, 200)
  assert.equal((await second.post('/v1/sessions', {})).status, 200)
  assert.equal((await second.post('/v1/sessions', {})).body.error?.code, 'CONFLICT')
  assert.equal((await second.app.inject({ method: 'DELETE', url: `/v1/sessions/${id}` })).statusCode, 200)
  assert.equal((await second.app.inject({ url: `/v1/sessions/${id}` })).statusCode, 404)
  await second.stop()
  await rm(home, { recursive: true })
})

test('a session ends 30 minutes after it began, or 10 after it was last used', async () => {
  const clock = standingClock()
  const { app, post } = await gateway(CHAT, {}, { clock })
  const begin = async () => String((await post('/v1/sessions', {})).body['session_id'])
  const statusOf = async (id: string) => (await app.inject({ url: `/v1/sessions/${id}` })).statusCode
  const [used, idle] = [await begin(), await begin()]
  for (let quarter = 0; quarter < 3; quarter++) {
    clock.advance(9 * 60_000)
    assert.equal((await post('/v1/chat', { message: 'hi', session_id: used })).status, 200)
  }
  assert.equal(await statusOf(idle), 404)
  assert.equal(await statusOf(used), 200)
  clock.advance(3 * 60_000)
  assert.equal(await statusOf(used), 404)
})

test('a decision carries the credential of the person, which the gateway neither holds nor judges', async () => {
  const { app, seen } = await gateway({
    'eva-os /approve': () => ({ token_id: 'apr_1', status: 'approved' }),
  })
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/approvals/apr_1/approve',
    headers: { 'x-operator-key': 'secret', 'content-type': 'application/json' },
    payload: {},
  })
  assert.equal(answer.statusCode, 200)
  assert.equal(seen[0]?.headers['x-operator-key'], 'secret')
  assert.deepEqual(seen[0]?.body, { token_id: 'apr_1', decision: 'approve' })
})

test('each neighbour is shown with its status, port, latency and breaker', async () => {
  const { app } = await gateway({ 'eva-os /healthz': () => ({ status: 'OK' }) })
  const { data } = (await app.inject({ url: '/v1/deps' })).json<{
    data: { dependencies: Record<string, object> }
  }>()
  assert.deepEqual(Object.keys(data.dependencies).sort(), [
    'eva-os',
    'memory-engine',
    'model-router',
    'openclaw',
    'pipecat',
  ])
  const { status, port } = data.dependencies['eva-os'] as { status: string; port: number }
  assert.deepEqual([status, port], ['OK', 7050])
  assert.equal((data.dependencies['openclaw'] as { status: string }).status, 'UNAVAILABLE')
})
