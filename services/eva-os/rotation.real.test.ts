import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Type } from 'typebox'
import { type BuiltService, buildService } from '#chassis/build-service.ts'
import { createTokenSource, type TokenSource } from '#chassis/tokens.ts'
import { requestToken } from '#chassis/token-exchange.ts'
import { systemClock } from '#chassis/clock.ts'
import { defineService } from '#chassis/define-service.ts'
import { join } from 'node:path'
import { createTestHome, startEva, type TestEva, type TestHome } from './testing.ts'

/** A callee as every service is one: it fetches keys from eva-os over HTTP and verifies what comes in. */
const callee = defineService({
  name: 'memory-engine',
  config: Type.Object({}, { additionalProperties: false }),
  setup: ({ app }) => {
    app.get('/ping', () => ({ pong: true }))
  },
})

const LEAD_SECONDS = 6
const TOKEN_SECONDS = 5
const LOAD_MS = 26_000
const CALLERS = 4

let home: TestHome
let eva: TestEva
let service: BuiltService
let evaUrl: string
let url: string

before(async () => {
  home = createTestHome()
  eva = await startEva({
    testHome: home,
    config: { key_lead_seconds: LEAD_SECONDS, token_seconds: TOKEN_SECONDS },
  })
  evaUrl = await eva.app.listen({ host: '127.0.0.1', port: 0 })
  service = await buildService(callee, { home: home.home, runId: 'test-run', originOf: () => evaUrl })
  url = await service.app.listen({ host: '127.0.0.1', port: 0 })
})
after(async () => {
  await service.stop()
  await eva.stop()
  home.remove()
})

function callerTokens(): TokenSource {
  return createTokenSource({
    secretFile: join(home.home, 'run', 'secrets', 'api-gateway'),
    clock: systemClock,
    request: (request) => requestToken(evaUrl, 'api-gateway', request),
    pause: (ms) => pause(ms),
  })
}

test('keys rotate twice under load, old ones retire, and no call is refused', async () => {
  const statuses = new Map<number, number>()
  const endMs = performance.now() + LOAD_MS
  const call = async (tokens: TokenSource) => {
    while (performance.now() < endMs) {
      const answer = await fetch(`${url}/ping`, {
        headers: { 'x-service-token': await tokens.tokenFor('memory-engine') },
      })
      await answer.arrayBuffer()
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      await pause(5)
    }
  }
  const rotate = async () => {
    const answer = await eva.ask('/v1/keys/rotate', { key: home.operatorKey, body: {} })
    assert.equal(answer.status, 200)
  }
  const rotations = async () => {
    await rotate()
    await pause(2_000)
    await rotate()
  }
  const before = await publishedKids()
  await Promise.all([rotations(), ...Array.from({ length: CALLERS }, () => call(callerTokens()))])
  assert.deepEqual([...statuses.keys()], [200], JSON.stringify([...statuses]))
  assert.ok((statuses.get(200) ?? 0) > 500)
  const kids = await publishedKids()
  assert.equal(kids.length, 1, 'the older keys were retired during the load')
  assert.ok(!before.includes(kids[0] ?? ''))
})

async function publishedKids(): Promise<readonly string[]> {
  const { keys } = (await eva.ask('/.well-known/jwks.json')).body as unknown as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}
