import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceRequest } from '#gates/runners/service-access.ts'
import { askAs } from '../stack-under-test.ts'
import { assertRefused, bodyOf } from './answers.ts'

const ask = (request: ServiceRequest) => askAs('api-gateway', 'model-router', request)

function complete(body: Readonly<Record<string, unknown>>) {
  return ask({ path: '/v1/chat/completions', body })
}

test('a completion without messages is refused', async () => {
  const answer = await complete({ model: 'sonia' })
  assert.ok(answer.status === 400 || answer.status === 422, String(answer.status))
})

test('an unknown task type is refused', async () => {
  const answer = await ask({ path: '/route?task_type=knitting' })
  assertRefused(answer, 400, 'INVALID_ARGUMENT')
})

test('the embedded provider answers and says that it stands in', async () => {
  const answer = await complete({ messages: [{ role: 'user', content: 'Who are you?' }] })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  assert.match(JSON.stringify(answer.body), /"stand_in":true/)
})

test('the same question gives the same answer', async () => {
  const ask2 = async () => {
    const [choice] = bodyOf(await complete({ messages: [{ role: 'user', content: 'Name a colour.' }] }))[
      'choices'
    ] as readonly { message: { content: string } }[]
    return choice?.message.content
  }
  assert.equal(await ask2(), await ask2())
})

test('a streamed completion ends with the sign of its end', async () => {
  const answer = await complete({ stream: true, messages: [{ role: 'user', content: 'Count to three.' }] })
  assert.match(String(answer.body), /data: \[DONE\]\s*$/)
})

test('the router measures its own overhead', async () => {
  const answer = await complete({ messages: [{ role: 'user', content: 'hello' }] })
  assert.ok(Number(answer.headers.get('x-sonia-overhead-ms')) >= 0)
  assert.notEqual(answer.headers.get('x-sonia-overhead-ms'), null)
})

test('profiles and providers are listed', async () => {
  const profiles = JSON.stringify(bodyOf(await ask({ path: '/profiles' })))
  for (const name of ['chat_low_latency', 'reasoning_deep', 'tool_execution', 'memory_ops']) {
    assert.match(profiles, new RegExp(name))
  }
  assert.match(JSON.stringify(bodyOf(await ask({ path: '/providers' }))), /embedded/)
})
