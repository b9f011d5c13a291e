import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ServiceError } from '#chassis/errors.ts'
import { APPROVAL_REQUIRED, EXECUTED, gateway, type Reply, standingClock } from './testing.ts'

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

test('an action that is malformed is refused with the field and its problem', async () => {
  const { post, seen } = await gateway({ 'openclaw /execute': EXECUTED })
  const action = { tool_name: 'file.read', args: { path: 'a' } }
  for (const [url, payload, status, field, problem] of [
    ['/v1/action', { args: {} }, 422, 'body.tool_name', 'required'],
    ['/v1/action', { tool_name: 'file.read' }, 422, 'body.args', 'required'],
    ['/v1/action', { tool_name: 'file.read', args: 'a' }, 422, 'body.args', 'type'],
    ['/v1/action', { ...action, timeout_ms: 'soon' }, 422, 'body.timeout_ms', 'type'],
    ['/v1/action', { ...action, timeout_ms: 0 }, 400, 'body.timeout_ms', 'minimum'],
    ['/v1/action', { ...action, idempotency_key: 'a b' }, 400, 'body.idempotency_key', 'pattern'],
    ['/v1/action', { ...action, idempotency_key: null }, 422, 'body.idempotency_key', 'type'],
    ['/v1/action', { ...action, approval_token: '' }, 400, 'body.approval_token', 'minLength'],
    ['/v1/action', { ...action, weather: 'fine' }, 400, 'body', 'additionalProperties'],
    ['/v1/action?timeout_ms=0', action, 400, 'querystring.timeout_ms', 'minimum'],
  ] as const) {
    const answer = await post(url, payload)
    const name = `${url} ${JSON.stringify(payload)}`
    assert.deepEqual([answer.status, answer.body.error?.code], [status, 'INVALID_ARGUMENT'], name)
    assert.deepEqual(answer.body.error?.details, { field, problem }, name)
  }
  assert.deepEqual(seen, [])
})

test('an action whose body names a key twice is refused: what was approved and what runs would be two calls', async () => {
  const { app, seen } = await gateway({ 'openclaw /execute': EXECUTED })
  const headers = { 'content-type': 'application/json' }
  for (const [url, payload] of [
    ['/v1/action', '{"tool_name":"file.read","args":{"path":"a","path":"b"}}'],
    ['/v1/action', '{"tool_name":"file.read","args":{"path":"a","\\u0070ath":"b"}}'],
    ['/v1/action', '{"tool_name":"file.read","tool_name":"file.write","args":{"path":"a"}}'],
    ['/v1/action?tool_name=file.read', '{"path":"a","path":"b"}'],
  ] as const) {
    const answer = await app.inject({ method: 'POST', url, payload, headers })
    const { error } = answer.json<{ error: { code: string; details: { reason: string } } }>()
    const got = [answer.statusCode, error.code, error.details.reason]
    assert.deepEqual(got, [400, 'INVALID_ARGUMENT', 'DUPLICATE_KEY'], payload)
  }
  assert.deepEqual(seen, [])
})

test('an option of an action given in the query and in the body is refused with both places', async () => {
  const { post, seen } = await gateway({ 'openclaw /execute': EXECUTED })
  const action = { tool_name: 'file.read', args: { path: 'a' }, timeout_ms: 5 }
  const { status, body } = await post('/v1/action?timeout_ms=7', action)
  assert.deepEqual([status, body.error?.code], [400, 'INVALID_ARGUMENT'])
  assert.deepEqual(body.error?.details?.['fields'], ['querystring.timeout_ms', 'body.timeout_ms'])
  assert.deepEqual(seen, [])
  // An argument of the tool may bear the name of an option.
  assert.equal((await post('/v1/action?tool_name=x&timeout_ms=7', { timeout_ms: 5 })).status, 200)
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

test('a key is kept for a day, over a restart as well: replayed until then, free afterwards', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'sonia-gateway-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  const clock = standingClock()
  const action = { tool_name: 'file.read', args: { path: 'a' }, idempotency_key: 'k4' }
  const first = await gateway({ 'openclaw /execute': EXECUTED }, {}, { home, clock })
  assert.equal((await first.post('/v1/action', action)).status, 200)
  await first.stop()
  const second = await gateway({ 'openclaw /execute': EXECUTED }, {}, { home, clock })
  clock.advance(24 * 3_600_000 - 1)
  assert.equal((await second.post('/v1/action', action)).body.data?.['status'], 'executed')
  assert.equal(second.seen.length, 0)
  clock.advance(1)
  assert.equal((await second.post('/v1/action', action)).status, 200)
  assert.equal(second.seen.length, 1)
})

test('an action whose end was never recorded stays a conflict: nobody knows whether it ran', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'sonia-gateway-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  const action = { tool_name: 'file.read', args: { path: 'a' }, idempotency_key: 'k5' }
  const begun = Promise.withResolvers<void>()
  const never = new Promise<object>(() => undefined)
  const first = await gateway({ 'openclaw /execute': () => (begun.resolve(), never) }, {}, { home })
  void first.post('/v1/action', action)
  await begun.promise
  // As after a kill: the first one never says how it ended.
  const second = await gateway({ 'openclaw /execute': EXECUTED }, {}, { home })
  const again = await second.post('/v1/action', action)
  assert.deepEqual([again.status, again.body.error?.details?.['reason']], [409, 'IDEMPOTENCY_KEY_RUNNING'])
})

test('one key of two principals is two keys', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'sonia-gateway-'))
  t.after(() => rm(home, { recursive: true, force: true }))
  await mkdir(join(home, 'config'))
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const keys = ['ada', 'bob'].map((name) => ({ name, sha256: sha256(name) }))
  await writeFile(join(home, 'config', 'sonia.json'), JSON.stringify({ api_keys: keys }))
  const { app, seen } = await gateway({ 'openclaw /execute': EXECUTED }, {}, { home })
  const payload = { tool_name: 'file.read', args: { path: 'a' }, idempotency_key: 'k6' }
  for (const name of ['ada', 'bob', 'ada']) {
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/action',
      payload,
      headers: { 'x-api-key': name },
    })
    assert.equal(answer.statusCode, 200)
  }
  assert.deepEqual(
    seen.map(({ body }) => body['principal']),
    ['ada', 'bob'],
  )
})
