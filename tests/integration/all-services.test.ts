import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SERVICE_NAMES, type ServiceName } from '#catalog'
import { ask, stackUnderTest } from '../stack-under-test.ts'
import { assertRefused, bodyOf } from './answers.ts'

const INTERNAL: readonly ServiceName[] = ['model-router', 'memory-engine', 'openclaw', 'eva-os']

for (const service of SERVICE_NAMES) {
  test(`${service} is healthy, says who it is and which run it belongs to`, async () => {
    const answer = await ask(service, { path: '/healthz' })
    const health = bodyOf(answer)
    assert.equal(answer.status, 200)
    assert.equal(health['service'], service)
    assert.equal(health['status'], 'OK')
    assert.equal(health['run_id'], (await stackUnderTest()).runId)
    assert.match(String(health['timestamp']), /Z$/)
  })

  test(`${service} is ready with all its neighbours`, async () => {
    assert.equal((await ask(service, { path: '/readyz' })).status, 200)
  })

  test(`${service} exposes one OpenMetrics document that ends where it ends`, async () => {
    const answer = await ask(service, { path: '/metrics' })
    assert.match(answer.headers.get('content-type') ?? '', /^application\/openmetrics-text; version=1\.0\.0/)
    assert.match(String(answer.body), /^sonia_http_requests_started_total/m)
    assert.match(String(answer.body), /# EOF\n$/)
  })

  test(`${service} refuses an unknown route with the one envelope`, async () => {
    const answer = await ask(service, {
      path: '/no/such/route',
      headers: { 'x-correlation-id': 'unknown_route_1' },
    })
    assert.equal(assertRefused(answer, 404, 'NOT_FOUND').correlation_id, 'unknown_route_1')
    assert.equal(answer.headers.get('x-correlation-id'), 'unknown_route_1')
  })

  test(`${service} describes its routes as OpenAPI`, async () => {
    const answer = await ask(service, { path: '/openapi.json' })
    assert.match(String(bodyOf(answer)['openapi']), /^3\./)
  })
}

for (const service of INTERNAL) {
  const request = {
    'model-router': { path: '/v1/models' },
    'memory-engine': { path: '/search', body: { query: 'anything' } },
    openclaw: { path: '/tools' },
    'eva-os': { path: '/gate-tool-call', body: { tool_name: 'file.read', args: {}, principal: 'local' } },
  }[service as 'openclaw']

  test(`${service} refuses a caller without a service token`, async () => {
    assertRefused(await ask(service, request), 401, 'UNAUTHORIZED')
  })

  test(`${service} refuses a made-up service token`, async () => {
    const headers = { 'x-service-token': 'eyJhbGciOiJub25lIn0.e30.' }
    assertRefused(await ask(service, { ...request, headers }), 401, 'UNAUTHORIZED')
  })
}
