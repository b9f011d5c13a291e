import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { CHAT, EXECUTED, gateway } from './testing.ts'

async function homeWith(t: TestContext, config: object): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'sonia-gateway-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await mkdir(join(home, 'config'))
  await writeFile(join(home, 'config', 'sonia.json'), JSON.stringify(config))
  return home
}

const KEY = 'a key that a person holds'
const KEYS = [{ name: 'ada', sha256: createHash('sha256').update(KEY).digest('hex') }]
const EVERYWHERE = ['0.0.0.0', '::', '192.0.2.7', 'gateway.example']

test('a bind to any address but loopback is refused without API keys, and taken with them', async (t) => {
  for (const bind of EVERYWHERE) {
    await assert.rejects(gateway(CHAT, {}, { home: await homeWith(t, { bind }) }), /api_keys/, bind)
    assert.equal((await gateway(CHAT, {}, { home: await homeWith(t, { bind, api_keys: KEYS }) })).bind, bind)
  }
})

test('with API keys nobody comes in without one; who does is the principal of what follows', async (t) => {
  const home = await homeWith(t, { api_keys: KEYS })
  const { app, seen } = await gateway({ ...CHAT, 'openclaw /execute': EXECUTED }, {}, { home })
  const act = async (headers: Record<string, string>) => {
    const payload = { tool_name: 'file.read', args: { path: 'a' } }
    return (await app.inject({ method: 'POST', url: '/v1/action', payload, headers })).statusCode
  }
  assert.equal(await act({}), 401)
  assert.equal(await act({ 'x-api-key': 'another' }), 401)
  assert.equal(await act({ authorization: 'Bearer another' }), 401)
  assert.deepEqual(seen, [])
  assert.equal(await act({ 'x-api-key': KEY }), 200)
  assert.deepEqual(
    seen.map(({ body }) => body['principal']),
    ['ada'],
  )
  assert.equal((await app.inject({ url: '/healthz' })).statusCode, 200)
})

test('too many requests of one principal are refused with the time to wait', async () => {
  const { app } = await gateway(CHAT, { rate_limit_per_minute: 2 })
  const codes: number[] = []
  for (let index = 0; index < 3; index += 1) {
    const answer = await app.inject({ method: 'POST', url: '/v1/chat', payload: { message: 'hi' } })
    codes.push(answer.statusCode)
    if (answer.statusCode === 429) assert.ok(Number(answer.headers['retry-after']) > 0)
  }
  assert.deepEqual(codes, [200, 200, 429])
})

test('probes and scrapes are outside of the limit: a busy principal does not make the gateway look dead', async () => {
  const { app } = await gateway(CHAT, { rate_limit_per_minute: 1 })
  for (const url of ['/healthz', '/metrics', '/openapi.json', '/healthz', '/metrics']) {
    assert.equal((await app.inject({ url })).statusCode, 200, url)
  }
})

/** Every route of the contract. */
const CONTRACT = {
  '/v1/chat': ['post'],
  '/v1/chat/completions': ['post'],
  '/v1/models': ['get'],
  '/v1/turn': ['post'],
  '/v1/action': ['post'],
  '/v1/deps': ['get'],
  '/v1/sessions': ['post'],
  '/v1/sessions/{id}': ['delete', 'get'],
  '/v1/approvals': ['get'],
  '/v1/approvals/{id}/approve': ['post'],
  '/v1/approvals/{id}/deny': ['post'],
} as const

interface OpenApi {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly requestBody?: object }>>>>
}

test('OpenAPI describes every route of the contract, with the schema that is enforced', async () => {
  const { app } = await gateway(CHAT)
  const { openapi, paths } = (await app.inject({ url: '/openapi.json' })).json<OpenApi>()
  assert.match(openapi, /^3\./)
  for (const [path, methods] of Object.entries(CONTRACT)) {
    assert.deepEqual(Object.keys(paths[path] ?? {}).toSorted(), methods, path)
  }
  const turn = JSON.stringify(paths['/v1/turn']?.['post']?.requestBody)
  for (const field of ['user_id', 'conversation_id', 'input_text', 'profile'])
    assert.match(turn, new RegExp(field))
})

test('late event loop: what describes the neighbours is refused first, then chat and action, health never', async () => {
  let lateMs = 0
  const { app, post } = await gateway(CHAT, {}, { loopDelayMs: () => lateMs })
  const statuses = async () => ({
    deps: (await app.inject({ url: '/v1/deps' })).statusCode,
    chat: (await post('/v1/chat', { message: 'hi' })).status,
    health: (await app.inject({ url: '/healthz' })).statusCode,
  })
  assert.deepEqual(await statuses(), { deps: 200, chat: 200, health: 200 })
  lateMs = 400
  assert.deepEqual(await statuses(), { deps: 503, chat: 200, health: 200 })
  lateMs = 900
  assert.deepEqual(await statuses(), { deps: 503, chat: 503, health: 200 })
})
