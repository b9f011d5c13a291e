import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createLocalJWKSet, errors, jwtVerify } from 'jose'
import { CALLER_NAMES, CATALOG, SERVICE_NAMES, SUPERVISOR } from '#catalog'
import { movableClock } from '../testing.ts'
import { createTokenMint } from './issue-token.ts'
import { keyFiles } from './key-files.ts'
import { openKeyRing } from './key-ring.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonia-keys-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const clock = movableClock()
const ring = await openKeyRing({
  files: keyFiles(folder, () => undefined),
  times: { rotateAfterMs: 86_400_000, leadMs: 10_000, retireAfterMs: 310_000 },
  nowMs: () => clock.nowMs(),
  onChange: () => undefined,
})
await ring.tick()
let count = 0
const mint = createTokenMint({
  signing: ring.signing,
  nowMs: () => clock.nowMs(),
  newId: () => `id-${count++}`,
  lifeSeconds: 300,
})

const verify = (token: string, nowMs = clock.nowMs()) =>
  jwtVerify(token, createLocalJWKSet(ring.jwks()), { currentDate: new Date(nowMs), audience: 'eva-os' })

test('only the pairs of the catalogue, and the supervisor, get a token', async () => {
  for (const subject of CALLER_NAMES) {
    for (const audience of SERVICE_NAMES) {
      const isAllowed = subject === SUPERVISOR || CATALOG[subject].mayCall.includes(audience)
      if (isAllowed) assert.ok(await mint.issue(subject, audience))
      else await assert.rejects(mint.issue(subject, audience), { code: 'FORBIDDEN' })
    }
  }
})

test('a token says who calls whom for at most 300 s, under a key of the published set', async () => {
  const { token, expires_at } = await mint.issue('openclaw', 'eva-os')
  const { payload, protectedHeader } = await verify(token)
  const { iss, sub, aud, iat = 0, exp = 0 } = payload
  assert.deepEqual({ iss, sub, aud }, { iss: 'eva-os', sub: 'openclaw', aud: 'eva-os' })
  assert.equal(exp - iat, 300)
  assert.equal(Date.parse(expires_at), exp * 1000)
  assert.equal(protectedHeader.alg, 'EdDSA')
})

test('a token is dead after its life, and before it was made', async () => {
  const { token } = await mint.issue('openclaw', 'eva-os')
  await assert.rejects(verify(token, clock.nowMs() + 300_000), errors.JWTExpired)
  await assert.rejects(verify(token, clock.nowMs() - 3_600_000), errors.JWTClaimValidationFailed)
})

test('a rotation publishes first and signs later; tokens of the old key hold until they die', async () => {
  const before = await mint.issue('openclaw', 'eva-os')
  await ring.rotate()
  const [oldKid, newKid] = ring.describe().map(({ kid }) => kid)
  assert.equal(ring.signing()?.kid, oldKid)
  clock.pass(10_001)
  assert.equal(ring.signing()?.kid, newKid)
  const fresh = await mint.issue('openclaw', 'eva-os')
  await verify(fresh.token)
  await verify(before.token)
  clock.pass(310_001)
  await ring.tick()
  assert.deepEqual(
    ring.jwks().keys.map(({ kid }) => kid),
    [newKid],
  )
})

test('private keys lie in files of mode 0600, and never in the published set', () => {
  const names = readdirSync(folder)
  assert.equal(names.length, 1)
  for (const name of names) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
  for (const key of ring.jwks().keys) assert.equal(key.d, undefined)
})

test('without keys nothing is signed', async () => {
  ring.dropAll()
  await assert.rejects(mint.issue('openclaw', 'eva-os'), { code: 'UNAVAILABLE' })
  assert.deepEqual(readdirSync(folder), [])
  await ring.tick()
  assert.ok(await mint.issue('openclaw', 'eva-os'))
})
