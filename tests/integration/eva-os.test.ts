import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SERVICE_NAMES } from '#catalog'
import { ask, askAs, operatorKey, tokenFor } from '../stack-under-test.ts'
import { assertRefused, bodyOf } from './answers.ts'

function gate(toolName: string, args: Readonly<Record<string, unknown>>) {
  const body = { tool_name: toolName, args, principal: 'local' }
  return askAs('api-gateway', 'eva-os', { path: '/gate-tool-call', body })
}

test('a token is not issued for a wrong bootstrap secret', async () => {
  const headers = { 'x-service-name': 'api-gateway', 'x-bootstrap-secret': 'guessed' }
  const answer = await ask('eva-os', { path: '/v1/tokens', body: { audience: 'openclaw' }, headers })
  assertRefused(answer, 401, 'UNAUTHORIZED')
})

test('a token for one service does not open another', async () => {
  const token = await tokenFor('api-gateway', 'memory-engine')
  const answer = await ask('openclaw', { path: '/tools', headers: { 'x-service-token': token } })
  assert.ok(answer.status === 401 || answer.status === 403, String(answer.status))
})

test('a service token does not decide approvals', async () => {
  const body = { token_id: 'apr_0123456789abcdef', decision: 'approve' }
  const answer = await askAs('api-gateway', 'eva-os', { path: '/approve', body })
  assert.notEqual(answer.status, 200)
})

test('an unknown tool is denied', async () => {
  const answer = bodyOf(await gate('rocket.launch', {}))
  assert.equal(answer['status'], 'denied')
})

test('reading in the sandbox is approved, with the tier and the version of the policy', async () => {
  const answer = bodyOf(await gate('file.read', { path: 'a.txt' }))
  assert.equal(answer['status'], 'approved')
  assert.equal(answer['tier'], 'TIER_0_READONLY')
  assert.notEqual(answer['policy_version'], '')
})

test('only a person sees the approvals and the audit', async () => {
  for (const path of ['/approvals', '/audit']) {
    assert.equal((await ask('eva-os', { path })).status, 401)
    assert.equal((await ask('eva-os', { path, headers: { 'x-operator-key': 'guessed' } })).status, 401)
    assert.equal(
      (await ask('eva-os', { path, headers: { 'x-operator-key': await operatorKey() } })).status,
      200,
    )
  }
})

test('the audit chain is whole', async () => {
  const headers = { 'x-operator-key': await operatorKey() }
  const answer = await ask('eva-os', { path: '/audit/verify', headers })
  assert.equal(answer.status, 200)
  assert.doesNotMatch(JSON.stringify(answer.body), /"(ok|intact|valid)":false/)
})

test('the key set holds public keys alone', async () => {
  const { keys } = bodyOf(await ask('eva-os', { path: '/.well-known/jwks.json' }))
  assert.ok((keys as unknown[]).length > 0)
  for (const key of keys as readonly Record<string, unknown>[]) assert.equal(key['d'], undefined)
})

test('the health of the others is probed for real', async () => {
  const { services } = bodyOf(await ask('eva-os', { path: '/health/all' }))
  const names = (services as readonly { name: string }[]).map(({ name }) => name)
  assert.deepEqual(names.toSorted(), SERVICE_NAMES.filter((name) => name !== 'eva-os').toSorted())
})
