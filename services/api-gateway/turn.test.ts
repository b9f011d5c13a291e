import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceError } from '#chassis/errors.ts'
import {
  APPROVAL_REQUIRED,
  completion,
  EXECUTED,
  gateway,
  MEMORY,
  ROUTER,
  toolCompletion,
} from './testing.ts'

test('a turn runs the tool that the model asked for and answers with its result', async () => {
  const answers = [toolCompletion('file_read', { path: 'a.txt' }), completion('It says: content')]
  const { post, seen } = await gateway({
    ...MEMORY,
    'openclaw /execute': EXECUTED,
    [ROUTER]: () => answers.shift() ?? completion('?'),
  })
  const request = { user_id: 'ada', conversation_id: 'conv_1', input_text: 'read a.txt' }
  const { body } = await post('/v1/turn', request)
  assert.equal(body.ok, true)
  assert.match(String(body['turn_id']), /^turn_[0-9a-f]{16}$/)
  assert.equal(body['assistant_text'], 'It says: content')
  const quality = body['quality'] as Record<string, unknown>
  assert.deepEqual([quality['tool_calls_attempted'], quality['tool_calls_executed']], [1, 1])
  assert.equal(seen.find(({ to }) => to === 'openclaw')?.body['tool_name'], 'file.read')
})

test('a tool that needs approval ends the turn with the request for it', async () => {
  const { post } = await gateway({
    ...MEMORY,
    'openclaw /execute': APPROVAL_REQUIRED,
    [ROUTER]: () => toolCompletion('shell_run', { command: 'rm x' }),
  })
  const { body } = await post('/v1/turn', { user_id: 'ada', conversation_id: 'conv_1', input_text: 'rm x' })
  const [result] = body['tool_results'] as [Record<string, unknown>]
  assert.equal(result['status'], 'approval_required')
  assert.equal((result['approval_request'] as { token_id: string }).token_id, 'apr_1')
})

test('a model that never stops asking for tools ends the turn in a timeout, bounded', async () => {
  const { post, seen } = await gateway({
    ...MEMORY,
    'openclaw /execute': EXECUTED,
    [ROUTER]: () => toolCompletion('file_read', { path: 'a' }),
  })
  const { body } = await post('/v1/turn', { user_id: 'ada', conversation_id: 'c', input_text: 'loop' })
  assert.deepEqual(
    [body.ok, (body['quality'] as Record<string, unknown>)['completion_reason']],
    [false, 'timeout'],
  )
  assert.equal(seen.filter(({ to }) => to === 'openclaw').length, 5)
})

test('a turn with an unknown profile and a chat with an unknown model are refused alike', async () => {
  const { post, seen } = await gateway({
    ...MEMORY,
    [ROUTER]: ({ body }) => {
      throw new ServiceError('NOT_FOUND', body['model'] === undefined ? 'Unknown profile' : 'Unknown model')
    },
  })
  const turn = { user_id: 'ada', conversation_id: 'c', input_text: 'hello', profile: 'no_such_profile' }
  for (const [url, payload, message] of [
    ['/v1/turn', turn, 'Unknown profile'],
    ['/v1/chat', { message: 'hello', model: 'no-such-model' }, 'Unknown model'],
  ] as const) {
    const { status, body } = await post(url, payload)
    assert.deepEqual([status, body.ok, body.data], [404, false, null], url)
    assert.deepEqual(body.error, { code: 'NOT_FOUND', message }, url)
  }
  assert.equal(
    seen.some(({ path }) => path === '/store'),
    false,
  )
})

test('a turn that failed is counted by its code, and one without its memory as degraded', async () => {
  const request = { user_id: 'ada', conversation_id: 'c', input_text: 'hello' }
  const failed = await gateway(MEMORY)
  assert.equal((await failed.post('/v1/turn', request)).body.ok, false)
  const forgetful = await gateway({ [ROUTER]: () => completion('Good day.') })
  const { app } = forgetful
  const answer = await app.inject({ method: 'POST', url: '/v1/turn', payload: request })
  assert.match(String(answer.headers['warning']), /memory-engine did not answer/)
  for (const [one, code] of [
    [failed, 'UNAVAILABLE'],
    [forgetful, 'DEGRADED'],
  ] as const) {
    const { body } = await one.app.inject({ url: '/metrics' })
    const line = new RegExp(
      `^sonia_http_request_duration_seconds_count\\{[^}]*route="/v1/turn"[^}]*code="${code}"`,
      'm',
    )
    assert.match(body, line)
  }
})
