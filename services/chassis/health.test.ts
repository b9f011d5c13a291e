import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Type } from 'typebox'
import { defineService } from './define-service.ts'
import type { Health } from './health.ts'
import { createShedding } from './server.ts'
import { buildForTest, type TestService } from './testing.ts'

let health: Health
let isDatabaseUp = true
const probe = defineService({
  name: 'memory-engine',
  config: Type.Object({}),
  setup: (ctx) => {
    ;({ health } = ctx)
    ctx.health.addDependency('database', async () => {
      if (!isDatabaseUp) throw new Error('disk I/O error at /secret/path')
    })
  },
})

let service: TestService
before(async () => {
  service = await buildForTest(probe)
})
after(() => service.stop())

const get = (url: string) => service.app.inject({ url })
const statusMetric = async () => /^sonia_service_status (\S+)$/m.exec((await get('/metrics')).body)?.[1]

test('/readyz names what is missing and tells no detail of it', async () => {
  isDatabaseUp = false
  const answer = await get('/readyz')
  isDatabaseUp = true
  assert.equal(answer.statusCode, 503)
  assert.deepEqual(answer.json().error.details, { dependencies: ['database'] })
  assert.doesNotMatch(answer.body, /secret|disk/)
})

test('a check that hangs is a missing dependency, not a hanging answer', async () => {
  health.addDependency('hanging', () => new Promise(() => undefined))
  const answer = await get('/readyz')
  assert.deepEqual(answer.json().error.details, { dependencies: ['hanging'] })
  health.addDependency('hanging', async () => undefined)
  assert.equal((await get('/readyz')).statusCode, 200)
})

test('/healthz has exactly its fields and needs no dependency', async () => {
  isDatabaseUp = false
  const body = (await get('/healthz')).json()
  isDatabaseUp = true
  assert.deepEqual(Object.keys(body), [
    'ok',
    'service',
    'version',
    'run_id',
    'status',
    'uptime_seconds',
    'timestamp',
  ])
  assert.match(body.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.ok(body.uptime_seconds >= 0)
})

test('DEGRADED shows in /healthz and the metric until its last reason is gone', async () => {
  health.degrade('a', 'one half')
  health.degrade('b', 'other half')
  assert.equal((await get('/healthz')).json().status, 'DEGRADED')
  assert.equal(await statusMetric(), '0.5')
  health.degrade('a', null)
  assert.equal((await get('/healthz')).json().status, 'DEGRADED')
  health.degrade('b', null)
  assert.equal((await get('/healthz')).json().status, 'OK')
  assert.equal(await statusMetric(), '1')
})

test('a late event loop refuses background work first, ordinary work next, health and voice last', () => {
  let delayMs = 0
  const shed = createShedding(() => delayMs, { background: 250, normal: 600, high: 2000 })
  const refused = (late: number) => {
    delayMs = late
    return (['background', 'normal', 'high'] as const).filter((priority) => shed(priority) !== undefined)
  }
  assert.deepEqual(refused(0), [])
  assert.deepEqual(refused(300), ['background'])
  assert.deepEqual(refused(700), ['background', 'normal'])
  assert.deepEqual(refused(Number.POSITIVE_INFINITY), ['background', 'normal', 'high'])
})

test('a draining service is not ready and its metric says 0', async () => {
  service.health.drain()
  const answer = await get('/readyz')
  assert.equal(answer.statusCode, 503)
  assert.equal(answer.json().error.code, 'UNAVAILABLE')
  assert.equal(await statusMetric(), '0')
})

test('/openapi.json describes the routes from their schemas', async () => {
  const document = (await get('/openapi.json')).json()
  assert.equal(document.openapi, '3.1.0')
  assert.ok(document.paths['/readyz'])
})
