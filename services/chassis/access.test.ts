import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Type } from 'typebox'
import type { ServiceName } from '#catalog'
import { sha256 } from './api-keys.ts'
import { defineService } from './define-service.ts'
import {
  buildForTest,
  createTokenMaker,
  type TestOptions,
  type TestService,
  type TokenMaker,
} from './testing.ts'

const probe = (name: ServiceName) =>
  defineService({
    name,
    config: Type.Object({}),
    setup: ({ app }) => {
      app.get('/default', (request) => ({ caller: request.call.caller }))
      app.post('/default', (request) => ({ caller: request.call.caller }))
      app.get('/only', { config: { callers: ['eva-os'] } }, () => ({}))
      app.get('/later', { config: { auth: 'public_key_later' } }, ({ call }) => ({ caller: call.caller }))
      app.get('/operator', { config: { auth: 'operator' } }, () => ({}))
    },
  })

const homes: string[] = []
async function homeWith(files: Readonly<Record<string, string>>): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'sonia-access-'))
  homes.push(home)
  await mkdir(join(home, 'config'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(home, 'config', name), text)
  return home
}

const operatorKey = randomBytes(32).toString('base64url')
const apiKey = randomBytes(32).toString('base64url')
let maker: TokenMaker
let internal: TestService
let open: TestService
let keyed: TestService
let eva: TestService
before(async () => {
  maker = await createTokenMaker()
  const build = async (name: ServiceName, options: TestOptions = {}) =>
    buildForTest(probe(name), { tokenMaker: maker, verifier: maker.verifierFor(name), ...options })
  internal = await build('openclaw')
  open = await build('api-gateway')
  const keys = JSON.stringify({ api_keys: [{ name: 'laptop', sha256: sha256(apiKey).toString('hex') }] })
  keyed = await build('api-gateway', { home: await homeWith({ 'sonia.json': keys }) })
  eva = await build('eva-os', { home: await homeWith({ 'operator.key': `${operatorKey}\n` }) })
})
after(async () => {
  for (const service of [internal, open, keyed, eva]) await service.stop()
  for (const home of homes) await rm(home, { recursive: true, force: true })
})

type Headers = Record<string, string>

function refuses(
  title: string,
  headers: () => Headers | Promise<Headers>,
  expected: [number, string],
  url = '/default',
) {
  test(`internal: ${title}`, async () => {
    const answer = await internal.app.inject({ url, headers: await headers() })
    assert.equal(answer.statusCode, expected[0], answer.body)
    assert.equal(answer.json().error.details.reason, expected[1])
  })
}

const withToken = (token: string): Headers => ({ 'x-service-token': token })
const now = () => Math.floor(Date.now() / 1000)
const forged = async () => (await createTokenMaker()).make('api-gateway', 'openclaw')
const unsigned = () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none', kid: 'x' })}.${part({ iss: 'eva-os', sub: 'api-gateway', aud: 'openclaw', exp: now() + 60 })}.`
}

refuses('no token', () => ({}), [401, 'MISSING'])
refuses('nonsense', () => withToken('nonsense'), [401, 'MALFORMED'])
refuses('alg none', () => withToken(unsigned()), [401, 'MALFORMED'])
refuses('a key we do not know', async () => withToken(await forged()), [401, 'UNKNOWN_KEY'])
refuses(
  'a truncated signature',
  async () => withToken((await maker.make('api-gateway', 'openclaw')).slice(0, -4)),
  [401, 'BAD_SIGNATURE'],
)
refuses(
  'an expired token',
  async () => withToken(await maker.make('api-gateway', 'openclaw', { issuedAt: now() - 400 })),
  [401, 'EXPIRED'],
)
refuses(
  'a token that lives too long',
  async () => withToken(await maker.make('api-gateway', 'openclaw', { lifetimeSeconds: 3_600 })),
  [401, 'MALFORMED'],
)
refuses(
  'another issuer',
  async () => withToken(await maker.make('api-gateway', 'openclaw', { issuer: 'me' })),
  [401, 'WRONG_ISSUER'],
)
refuses('a token for another service', async () => withToken(await maker.make('api-gateway', 'eva-os')), [
  403,
  'WRONG_AUDIENCE',
])
refuses(
  'a caller that the catalogue does not let in',
  async () => withToken(await maker.make('pipecat', 'openclaw')),
  [403, 'CALLER_NOT_ALLOWED'],
)
refuses('a caller that is no service', async () => withToken(await maker.make('mallory', 'openclaw')), [
  403,
  'CALLER_NOT_ALLOWED',
])
refuses(
  'a caller that the route does not let in',
  async () => withToken(await maker.make('api-gateway', 'openclaw')),
  [403, 'CALLER_NOT_ALLOWED'],
  '/only',
)

test('a good token is let in, also from the cache, and is named', async () => {
  const headers = withToken(await maker.make('api-gateway', 'openclaw'))
  for (const _ of [1, 2]) {
    const answer = await internal.app.inject({ url: '/default', headers })
    assert.deepEqual(answer.json().caller, { kind: 'service', name: 'api-gateway' })
  }
})

test('the supervisor is let in as itself, but not where a route names its callers', async () => {
  const headers = withToken(await maker.make('supervisor', 'openclaw'))
  const answer = await internal.app.inject({ url: '/default', headers })
  assert.deepEqual(answer.json().caller, { kind: 'service', name: 'supervisor' })
  assert.equal((await internal.app.inject({ url: '/only', headers })).statusCode, 403)
})

test('refusals are counted by reason', async () => {
  const { body } = await internal.app.inject({ url: '/metrics' })
  assert.match(body, /auth_failures_total\{reason="wrong_audience"\} 1\n/)
})

async function publicStatus(headers: Headers, method: 'GET' | 'POST' = 'GET', service = open) {
  return (await service.app.inject({ method, url: '/default', headers })).statusCode
}

for (const [what, headers, method] of [
  ['a Host of somebody else (rebinding)', { host: 'evil.example' }, 'GET'],
  ['a Host that only begins like ours', { host: 'localhost.evil.example:7000' }, 'GET'],
  ['a Host with credentials', { host: 'localhost@evil.example' }, 'GET'],
  ['a foreign Origin', { host: 'localhost', origin: 'https://evil.example' }, 'GET'],
  ['a null Origin', { host: 'localhost', origin: 'null' }, 'GET'],
  [
    'an Origin that only begins like ours',
    { host: 'localhost', origin: 'http://localhost.evil.example' },
    'GET',
  ],
  [
    'a form of a local page',
    { host: 'localhost', origin: 'http://localhost:1', 'content-type': 'text/plain' },
    'POST',
  ],
  ['a cross-site form without Origin', { host: 'localhost', 'sec-fetch-site': 'cross-site' }, 'POST'],
] as const) {
  test(`public: ${what} is refused`, async () => assert.equal(await publicStatus(headers, method), 403))
}

test('public: loopback without keys is the local principal', async () => {
  for (const host of ['localhost:7000', '127.0.0.1', '[::1]:7000']) {
    const answer = await open.app.inject({
      url: '/default',
      headers: { host, origin: 'http://localhost:3000' },
    })
    assert.deepEqual(answer.json().caller, { kind: 'external', principal: 'local' }, host)
  }
})

test('public: a bad service token is refused even where keyless callers are not', async () => {
  assert.equal(await publicStatus(withToken('nonsense')), 401)
})

test('public: a service is named by its token', async () => {
  const headers = withToken(await maker.make('pipecat', 'api-gateway'))
  assert.deepEqual((await open.app.inject({ url: '/default', headers })).json().caller, {
    kind: 'service',
    name: 'pipecat',
  })
})

test('public: where keys exist, no key and a wrong key are refused and a good one names its principal', async () => {
  assert.equal(await publicStatus({}, 'GET', keyed), 401)
  assert.equal(await publicStatus({ 'x-api-key': 'wrong' }, 'GET', keyed), 401)
  for (const authorization of ['Bearer', 'Bearer ', `Basic ${apiKey}`, apiKey, `Bearer ${apiKey} more`]) {
    assert.equal(await publicStatus({ authorization }, 'GET', keyed), 401, authorization)
  }
  assert.equal(await publicStatus({ 'x-api-key': '', authorization: `Bearer ${apiKey}` }, 'GET', keyed), 401)
  for (const headers of [
    { 'x-api-key': apiKey },
    { authorization: `Bearer ${apiKey}` },
    { authorization: `bearer  ${apiKey}` },
  ]) {
    const answer = await keyed.app.inject({ url: '/default', headers })
    assert.deepEqual(answer.json().caller, { kind: 'external', principal: 'laptop' })
  }
})

test('operator: without the key, with a wrong one or with a service token alone, eva-os refuses', async () => {
  const token = await maker.make('api-gateway', 'eva-os')
  for (const headers of [{}, { 'x-operator-key': 'wrong' }, withToken(token)]) {
    assert.equal((await eva.app.inject({ url: '/operator', headers })).statusCode, 401)
  }
  const answer = await eva.app.inject({ url: '/operator', headers: { 'x-operator-key': operatorKey } })
  assert.equal(answer.statusCode, 200)
})

test('where the key may come later a stranger comes in as one; a wrong key, or a page of another site, does not', async () => {
  const get = (headers: Headers) => keyed.app.inject({ url: '/later', headers })
  assert.equal((await get({ 'x-api-key': 'wrong' })).statusCode, 401)
  assert.equal((await get({ 'x-service-token': 'nonsense' })).statusCode, 401)
  assert.equal((await get({ origin: 'https://evil.example' })).statusCode, 403)
  assert.equal((await get({ host: 'evil.example' })).statusCode, 403)
  assert.deepEqual((await get({})).json().caller, { kind: 'external', principal: 'anonymous' })
  assert.deepEqual((await get({ 'x-api-key': apiKey })).json().caller, {
    kind: 'external',
    principal: 'laptop',
  })
  const keyless = await open.app.inject({ url: '/later' })
  assert.deepEqual(keyless.json().caller, { kind: 'external', principal: 'local' })
})
