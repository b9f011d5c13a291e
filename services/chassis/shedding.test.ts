import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Type } from 'typebox'
import { defineService } from './define-service.ts'
import { buildForTest, eventually, type TestService } from './testing.ts'

const BLOCK_MS = 60

const probe = defineService({
  name: 'api-gateway',
  config: Type.Object({}),
  setup: ({ app }) => {
    app.get('/ordinary', { config: { auth: 'public' } }, () => ({ done: true }))
  },
})

let service: TestService
let home: string
before(async () => {
  home = mkdtempSync(join(tmpdir(), 'sonia-shedding-'))
  mkdirSync(join(home, 'config'))
  const limits = { background: 1, normal: 1, high: 600_000 }
  writeFileSync(join(home, 'config', 'sonia.json'), JSON.stringify({ shed_after_ms: limits }))
  service = await buildForTest(probe, { home, loopDelayMs: undefined })
})
after(async () => {
  await service.stop()
  rmSync(home, { recursive: true, force: true })
})

/** An event loop that is as late as it is in a service with more to do than it can. */
function isLate(): void {
  const untilMs = performance.now() + BLOCK_MS
  while (performance.now() < untilMs);
}

test('a late service refuses ordinary work by the limits of sonia.json, and answers health and what voice asks for', async () => {
  const voice = await service.headersFrom('pipecat')
  const ask = (url: string, headers: Record<string, string> = {}) => service.app.inject({ url, headers })
  let refused = await ask('/ordinary')
  assert.equal(refused.statusCode, 200)
  await eventually(async () => {
    isLate()
    refused = await ask('/ordinary')
    return refused.statusCode === 503
  })
  assert.deepEqual(refused.json().error.details, { reason: 'OVERLOADED' })
  assert.equal(refused.headers['retry-after'], '1')
  assert.equal((await ask('/healthz')).statusCode, 200)
  assert.equal((await ask('/ordinary', voice)).statusCode, 200)
})
