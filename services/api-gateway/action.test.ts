import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceError } from '#chassis/errors.ts'
import { APPROVAL_REQUIRED, EXECUTED, gateway, type Reply } from './testing.ts'

test('an action passes its principal on and says what openclaw did', async () => {
  const { post, seen } = await gateway({ 'openclaw /execute': EXECUTED })
  const { body } = await post('/v1/action', { tool_name: 'file.read', args: { path: 'a' } })
  assert.deepEqual([body.data?.['status'], body.data?.['tool_name']], ['executed', 'file.read'])
  assert.equal(seen[0]?.body['principal'], 'local')
})

test('an action whose tool is named in the query takes the body as its arguments', async () => {
  const { post, seen } = await gateway({ 'openclaw /execute': EXECUTED })
  await post('/v1/action?tool_name=file.read', { path: 'a' })
  assert.deepEqual(seen[0]?.body['args'], { path: 'a' })
})

test('an action without a tool or with args that are no object is 422', async () => {
  const { post } = await gateway({ 'openclaw /execute': EXECUTED })
  assert.equal((await post('/v1/action', { args: {} })).status, 422)
  assert.equal((await post('/v1/action', { tool_name: 'file.read', args: 'a' })).status, 422)
})

test('the same idempotency key runs once: replay, conflict for another request, conflict while it runs', async () => {
  const running = Promise.withResolvers<object>()
  const begun = Promise.withResolvers<void>()
  let executions = 0
  const { post } = await gateway({
    'openclaw /execute': ({ body }) => {
      executions += 1
      begun.resolve()
      return running.promise.then(() => EXECUTED({ to: 'openclaw', path: '', body, headers: {} }))
    },
  })
  const action = { tool_name: 'file.write', args: { path: 'a', content: 'b' }, idempotency_key: 'k1' }
  const first = post('/v1/action', action)
  await begun.promise
  assert.equal((await post('/v1/action', action)).body.error?.details?.['reason'], 'IDEMPOTENCY_KEY_RUNNING')
  running.resolve({})
  const done = await first
  const again = await post('/v1/action', action)
  assert.deepEqual(again.body.data, done.body.data)
  assert.notEqual(again.body['correlation_id'], done.body['correlation_id'])
  const other = await post('/v1/action', { ...action, args: { path: 'c', content: 'd' } })
  assert.equal(other.body.error?.details?.['reason'], 'IDEMPOTENCY_KEY_REUSED')
  assert.equal(executions, 1)
})

test('a refused action gives its key back, an action that may have run does not', async () => {
  const outcomes: Reply[] = [
    APPROVAL_REQUIRED,
    EXECUTED,
    () => {
      throw new ServiceError('TIMEOUT', 'openclaw did not answer in time')
    },
  ]
  const { post } = await gateway({ 'openclaw /execute': (call) => (outcomes.shift() ?? EXECUTED)(call) })
  const action = { tool_name: 'file.read', args: { path: 'a' }, idempotency_key: 'k2' }
  assert.equal((await post('/v1/action', action)).status, 403)
  assert.equal((await post('/v1/action', action)).status, 200)
  const unsure = { ...action, idempotency_key: 'k3' }
  assert.equal((await post('/v1/action', unsure)).status, 408)
  assert.equal((await post('/v1/action', unsure)).status, 408)
  assert.equal(outcomes.length, 0)
})
