import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Clock } from './clock.ts'
import { createTokenMaker, eventually } from './testing.ts'
import { AuthError, createTokenVerifier } from './token-verifier.ts'
import { createTokenSource } from './tokens.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonia-tokens-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const secretFile = join(folder, 'secret')
writeFileSync(secretFile, 'bootstrap\n', { mode: 0o600 })

const maker = await createTokenMaker()

/** A clock that the test moves; it starts now, or tokens would be expired or from the future. */
function movable() {
  let offsetMs = 0
  const clock: Clock = { nowMs: () => Date.now() + offsetMs, monotonicMs: () => performance.now() + offsetMs }
  return { clock, advance: (ms: number) => (offsetMs += ms) }
}

function source(answer: (count: number) => Promise<string>) {
  const { clock, advance } = movable()
  let count = 0
  const secrets: string[] = []
  const tokens = createTokenSource({
    secretFile,
    clock,
    pause: () => Promise.resolve(),
    request: async ({ secret }) => {
      secrets.push(secret)
      count += 1
      return { token: await answer(count) }
    },
  })
  return { tokens, advance, secrets, requests: () => count, clock }
}

const good = () => maker.make('openclaw', 'eva-os')
const fail = () => Promise.reject(new Error('eva-os is not up'))

test('a token is asked for once, with the bootstrap secret, and kept', async () => {
  const { tokens, requests, secrets } = source(good)
  const both = await Promise.all([tokens.tokenFor('eva-os'), tokens.tokenFor('eva-os')])
  assert.equal(both[0], both[1])
  assert.equal(await tokens.tokenFor('eva-os'), both[0])
  assert.equal(requests(), 1)
  assert.deepEqual(secrets, ['bootstrap'])
})

test('services may start in any order: a refused request is repeated, but not for ever', async () => {
  const late = source((count) => (count < 3 ? fail() : good()))
  assert.ok(await late.tokens.tokenFor('eva-os'))
  const never = source(fail)
  await assert.rejects(never.tokens.tokenFor('eva-os'), { code: 'UNAVAILABLE' })
  assert.equal(never.requests(), 3)
})

test('a token is renewed before it dies, and used to its end while eva-os is away', async () => {
  const { tokens, advance, requests } = source((count) => (count === 1 ? good() : fail()))
  const first = await tokens.tokenFor('eva-os')
  advance(240_000)
  assert.equal(await tokens.tokenFor('eva-os'), first)
  await eventually(() => requests() === 4)
  advance(59_000)
  await assert.rejects(tokens.tokenFor('eva-os'), { code: 'UNAVAILABLE' })
})

test('a forgotten token is asked for anew', async () => {
  const { tokens, requests } = source(good)
  await tokens.tokenFor('eva-os')
  tokens.forget('eva-os')
  await tokens.tokenFor('eva-os')
  assert.equal(requests(), 2)
})

test('an unreadable bootstrap secret is UNAVAILABLE, and its path is told to nobody', async () => {
  const tokens = createTokenSource({
    secretFile: join(folder, 'absent'),
    clock: movable().clock,
    pause: () => Promise.resolve(),
    request: async () => ({ token: await good() }),
  })
  await assert.rejects(tokens.tokenFor('eva-os'), (error: Error) => !error.message.includes(folder))
})

test('strangers with unknown key ids cause one fetch per five seconds', async () => {
  const { clock, advance } = movable()
  let fetches = 0
  const verifier = createTokenVerifier({
    audience: 'eva-os',
    clock,
    fetchKeys: async () => {
      fetches += 1
      return maker.jwks
    },
  })
  for (let index = 0; index < 20; index += 1) {
    const token = await maker.make('openclaw', 'eva-os', { kid: `unknown-${index}` })
    await assert.rejects(verifier.verify(token), AuthError)
  }
  assert.equal(fetches, 1)
  advance(5_001)
  await assert.rejects(verifier.verify(await maker.make('openclaw', 'eva-os', { kid: 'other' })), AuthError)
  assert.equal(fetches, 2)
})

test('a key that is rotated in is found at the next unknown id', async () => {
  const { clock, advance } = movable()
  const next = await createTokenMaker()
  let published = maker.jwks
  const verifier = createTokenVerifier({ audience: 'eva-os', clock, fetchKeys: async () => published })
  assert.equal(await verifier.verify(await good()), 'openclaw')
  published = { keys: [...maker.jwks.keys, ...next.jwks.keys] }
  advance(5_001)
  assert.equal(await verifier.verify(await next.make('openclaw', 'eva-os')), 'openclaw')
  assert.equal(await verifier.verify(await good()), 'openclaw')
})

test('keys that cannot be had are UNAVAILABLE, not a verdict about the token', async () => {
  const verifier = createTokenVerifier({ audience: 'eva-os', clock: movable().clock, fetchKeys: fail })
  await assert.rejects(verifier.verify(await good()), { code: 'UNAVAILABLE' })
})

test('a verified token is remembered until it expires and no longer', async () => {
  const { clock, advance } = movable()
  const verifier = createTokenVerifier({ audience: 'eva-os', clock, fetchKeys: async () => maker.jwks })
  const token = await good()
  assert.equal(verifier.recall(token), undefined)
  await verifier.verify(token)
  assert.equal(verifier.recall(token), 'openclaw')
  advance(301_000)
  assert.equal(verifier.recall(token), undefined)
  await assert.rejects(verifier.verify(token), { reason: 'expired' })
})

test('a clock that is set back does not lengthen the life of a remembered token', async () => {
  let setBackMs = 0
  let passedMs = 0
  const clock: Clock = {
    nowMs: () => Date.now() + passedMs - setBackMs,
    monotonicMs: () => performance.now() + passedMs,
  }
  const verifier = createTokenVerifier({
    audience: 'memory-engine',
    clock,
    fetchKeys: async () => maker.jwks,
  })
  const token = await maker.make('api-gateway', 'memory-engine')
  await verifier.verify(token)
  setBackMs = 3_600_000
  passedMs = 301_000
  assert.equal(verifier.recall(token), undefined)
})

/** A verifier of eva-os' neighbours, whose published keys the test exchanges. */
function exchangeable(isGone?: (kid: string) => boolean) {
  const { clock, advance } = movable()
  let publish: () => Promise<typeof maker.jwks> = async () => maker.jwks
  const fetchKeys = () => publish()
  return {
    advance,
    verifier: createTokenVerifier({ audience: 'eva-os', clock, fetchKeys, isGone }),
    publishes: (next: typeof publish) => {
      publish = next
    },
  }
}
const nothing = async () => ({ keys: [] })

test('what a thrown-away key signed is refused at the next look, although it was verified before', async () => {
  const { verifier, advance, publishes } = exchangeable()
  const token = await good()
  await verifier.verify(token)
  publishes(nothing)
  advance(5_001)
  await eventually(() => verifier.recall(token) === undefined)
  await assert.rejects(verifier.verify(token), { reason: 'unknown_key' })
})

test('a service that was idle looks before it believes a key it holds', async () => {
  const { verifier, advance, publishes } = exchangeable()
  const token = await good()
  await verifier.verify(token)
  publishes(nothing)
  advance(30_001)
  assert.equal(verifier.recall(token), undefined)
  await assert.rejects(verifier.verify(token), { reason: 'unknown_key' })
})

test('while eva-os is away the keys at hand go on, and are looked for once per five seconds', async () => {
  const { verifier, advance, publishes } = exchangeable()
  const token = await good()
  await verifier.verify(token)
  let looks = 0
  publishes(() => {
    looks += 1
    return Promise.reject(new Error('eva-os is not up'))
  })
  advance(60_000)
  assert.equal(await verifier.verify(token), 'openclaw')
  for (let index = 0; index < 20; index += 1) assert.equal(verifier.recall(token), 'openclaw')
  assert.equal(looks, 1)
})

test('the publisher itself refuses at once what a key that is gone signed', async () => {
  let isGone = false
  const { verifier } = exchangeable(() => isGone)
  const token = await good()
  await verifier.verify(token)
  assert.equal(verifier.recall(token), 'openclaw')
  isGone = true
  assert.equal(verifier.recall(token), undefined)
  await assert.rejects(verifier.verify(token), { reason: 'unknown_key' })
})
