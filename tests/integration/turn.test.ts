import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, operatorKey } from '../stack-under-test.ts'
import { bodyOf, dataOf, envelopeOf, reasonOf } from './answers.ts'

// Whole turns: the model asks for a tool, policy decides, openclaw does it, the model answers with the result.

interface Turn {
  readonly ok: boolean
  readonly assistant_text: string
  readonly tool_calls?: readonly { readonly tool_name: string }[]
  readonly tool_results?: readonly {
    readonly status: string
    readonly result?: unknown
    readonly approval_request?: { readonly token_id: string; readonly summary: string }
    readonly error?: { readonly code: string }
  }[]
  readonly quality: Readonly<Record<string, unknown>>
}

async function turn(inputText: string, conversationId = 'integration-tools'): Promise<Turn> {
  const body = { user_id: 'u1', conversation_id: conversationId, input_text: inputText }
  return bodyOf(await ask('api-gateway', { path: '/v1/turn', body })) as unknown as Turn
}

test('a turn without its fields is refused as unprocessable, with unknown ones as invalid', async () => {
  const good = { user_id: 'u1', conversation_id: 'c1', input_text: 'hello' }
  for (const field of Object.keys(good)) {
    const { [field]: _left, ...body } = good as Record<string, string>
    assert.equal((await ask('api-gateway', { path: '/v1/turn', body })).status, 422, field)
  }
  assert.equal((await ask('api-gateway', { path: '/v1/turn', body: { ...good, mood: 'fine' } })).status, 400)
})

test('a turn writes and reads a file by way of model, policy and openclaw', async () => {
  const written = await turn('write "three apples" to the file turn.txt')
  assert.equal(written.ok, true)
  assert.deepEqual(
    written.tool_calls?.map(({ tool_name: name }) => name),
    ['file.write'],
  )
  assert.deepEqual([written.quality['tool_calls_attempted'], written.quality['tool_calls_executed']], [1, 1])
  const read = await turn('read the file turn.txt')
  assert.match(JSON.stringify(read.tool_results?.[0]?.result), /three apples/)
  assert.notEqual(read.assistant_text, '')
})

test('a tool that openclaw refuses is told to the model; the turn goes on and is no failure', async () => {
  const { ok, tool_results: results, quality } = await turn('read the file ../../etc/passwd')
  assert.equal(ok, true)
  assert.deepEqual([results?.[0]?.status, results?.[0]?.error?.code], ['error', 'FORBIDDEN'])
  assert.deepEqual([quality['tool_calls_attempted'], quality['tool_calls_executed']], [1, 0])
})

test('a tool that needs a person ends the turn with the request; approved, the same call runs once', async () => {
  await turn('write "old" to the file turn-old.txt')
  const command = 'rm turn-old.txt'
  const asked = await turn(`run \`${command}\``)
  const [result] = asked.tool_results ?? []
  assert.equal(result?.status, 'approval_required')
  assert.match(result?.approval_request?.summary ?? '', /turn-old\.txt/)
  assert.equal(asked.quality['tool_calls_executed'], 0)
  const token = result?.approval_request?.token_id ?? ''
  const act = () =>
    ask('api-gateway', {
      path: '/v1/action',
      body: {
        tool_name: 'shell.run',
        args: { command },
        session_id: 'integration-tools',
        approval_token: token,
      },
    })
  assert.equal(reasonOf(envelopeOf(await act())), 'APPROVAL_PENDING')
  const path = `/v1/approvals/${token}/approve`
  assert.equal((await ask('api-gateway', { path, body: {} })).status, 401)
  dataOf(await ask('api-gateway', { path, body: {}, headers: { 'x-operator-key': await operatorKey() } }))
  assert.equal(dataOf(await act())['status'], 'executed')
  assert.equal(reasonOf(envelopeOf(await act())), 'APPROVAL_USED')
})
