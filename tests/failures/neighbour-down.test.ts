import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { UpstreamDouble } from '#gates/doubles/upstream.ts'
import type { ServiceName } from '#catalog'
import { ask, type FragileStack, startWithDouble, until } from './fragile-stack.ts'
import { connectVoice, startVoiceSession, upgradeStatus, type VoiceClient } from './voice-client.ts'

// "When a neighbour fails" of the contract, row by row with the real processes: chat, action and voice for each.
// One stack: what a row ended is brought back before the next one, so the order does not matter.

/** Short enough for their end to be seen here, long enough for a loaded machine to see what works until then. */
const TOKEN_SECONDS = 40

let double: UpstreamDouble
let stack: FragileStack
let stop = async (): Promise<void> => undefined

before(async () => {
  const running = await startWithDouble((baseUrl) => ({
    'model-router': {
      providers: { first: { kind: 'openai', base_url: baseUrl, models: [{ name: 'm' }] } },
      profiles: { chat_low_latency: { first_token_ms: 2000, complete_ms: 2000 } },
    },
    'eva-os': { token_seconds: TOKEN_SECONDS },
  }))
  ;({ double, stack, stop } = running)
})
after(() => stop())

interface Answer {
  readonly status: number
  readonly tookMs: number
  readonly data: Readonly<Record<string, unknown>> | null
  readonly code: string | undefined
  readonly warning: string | undefined
}

async function post(path: string, body: object): Promise<Answer> {
  const startedMs = performance.now()
  const { status, body: answer } = await ask(stack, 'api-gateway', { path, body })
  const { data, error, warning } = answer as {
    data: Answer['data']
    error: { code: string } | null
    warning?: { code: string }
  }
  const tookMs = performance.now() - startedMs
  return { status, tookMs, data, code: error?.code, warning: warning?.code }
}

const chat = (message = 'Is anybody there?') => post('/v1/chat', { message })

let files = 0
/** Writes a file of its own, so that "nothing was executed" can be seen on the disk. */
async function act(): Promise<Answer & { readonly isWritten: boolean }> {
  const path = `row-${++files}.txt`
  const answer = await post('/v1/action', { tool_name: 'file.write', args: { path, content: 'kept' } })
  return { ...answer, isWritten: existsSync(join(stack.home, 'sandbox', path)) }
}

async function speaker(): Promise<VoiceClient> {
  const client = await connectVoice(stack.portBase, await startVoiceSession(stack.portBase))
  await client.next('STATUS')
  return client
}

async function assertChatWorks(warning?: string): Promise<Answer> {
  const answer = await chat()
  assert.deepEqual([answer.status, answer.warning], [200, warning], JSON.stringify(answer))
  return answer
}

async function assertActionWorks(): Promise<void> {
  const { status, data, isWritten } = await act()
  assert.deepEqual([status, data?.['status'], isWritten], [200, 'executed', true])
}

async function assertVoiceWorks(client: VoiceClient): Promise<void> {
  const { type, data } = await client.ask('And you?')
  // What a loaded machine sheds is asked again: load is not what is tested here.
  if (type === 'ERROR' && data['message'] === 'Overloaded') return assertVoiceWorks(client)
  assert.deepEqual([type, data['role']], ['MESSAGE', 'assistant'], JSON.stringify(data))
}

/** A row: the service is gone while `then` looks, and everything works again afterwards. */
function row(service: ServiceName, then: (client: VoiceClient) => Promise<void>): void {
  test(`${service} down`, async () => {
    const client = await speaker()
    await assertVoiceWorks(client)
    await stack.kill(service)
    await then(client)
    client.socket.terminate()
    await stack.revive(service)
    await until('chat and action to work again', 30_000, async () => {
      const [said, done] = [await chat(), await act()]
      return said.status === 200 && said.warning === undefined && done.status === 200
    })
  })
}

describe('when a neighbour fails', () => {
  row('memory-engine', async (client) => {
    const { data } = await assertChatWorks('DEGRADED')
    const provenance = data?.['provenance'] as { memory_engine: { status: string } }
    assert.equal(provenance.memory_engine.status, 'failed')
    await assertActionWorks()
    await assertVoiceWorks(client)
  })

  row('model-router', async (client) => {
    const { status, code, tookMs } = await chat()
    assert.deepEqual([status, code], [503, 'UNAVAILABLE'])
    assert.ok(tookMs < 1000, `${tookMs} ms`)
    await assertActionWorks()
    const { type, data } = await client.ask('Nobody?')
    assert.deepEqual([type, data['code']], ['ERROR', 'UNAVAILABLE'])
    await stack.revive('model-router')
    // The session lives: the same socket is answered again.
    await until(
      'the session to be answered',
      15_000,
      async () => (await client.ask('Now?')).type === 'MESSAGE',
    )
  })

  row('openclaw', async (client) => {
    await assertChatWorks()
    const { status, code, isWritten } = await act()
    assert.deepEqual([status, code, isWritten], [503, 'UNAVAILABLE', false])
    await assertVoiceWorks(client)
  })

  row('pipecat', async () => {
    await assertChatWorks()
    await assertActionWorks()
  })

  row('eva-os', async (client) => {
    await assertChatWorks()
    const refused = await act()
    assert.deepEqual([refused.status, refused.code, refused.isWritten], [503, 'UNAVAILABLE', false])
    await assertVoiceWorks(client)
    const seen = { answered: 0 }
    await until('the last token to end', (TOKEN_SECONDS + 10) * 1000, async () => {
      const { status, code } = await chat()
      if (status === 200) seen.answered++
      else assert.deepEqual([status, code], [503, 'UNAVAILABLE'])
      return status === 503
    })
    assert.ok(seen.answered > 0, 'chat went on while its tokens lasted')
    assert.equal((await act()).isWritten, false)
  })
})

describe('when the provider fails', () => {
  test('the stand-in answers, DEGRADED; action works; voice the same', async () => {
    const client = await speaker()
    assert.equal((await assertChatWorks()).data?.['provider'], 'first')
    double.faults.set([{ fault: { kind: 'refuse' } }])
    const { data } = await assertChatWorks('DEGRADED')
    assert.deepEqual([data?.['provider'], data?.['stand_in']], ['embedded', true])
    await assertActionWorks()
    await assertVoiceWorks(client)
    client.socket.terminate()
    double.faults.set([])
  })
})

describe('voice after pipecat was gone', () => {
  test('a session that was open is resumed or refused with 403, never lost in silence', async () => {
    const sessionId = await startVoiceSession(stack.portBase)
    const client = await connectVoice(stack.portBase, sessionId)
    await assertVoiceWorks(client)
    await stack.kill('pipecat')
    await stack.revive('pipecat')
    const status = await upgradeStatus(stack.portBase, `/ws/${sessionId}?last_seq=1`)
    assert.ok([101, 403].includes(status), String(status))
    await assertVoiceWorks(await speaker())
  })
})

test('the provider gone for good: its socket refuses, and the stand-in answers', async () => {
  await double.close()
  const { data } = await assertChatWorks('DEGRADED')
  assert.deepEqual([data?.['provider'], data?.['stand_in']], ['embedded', true])
})
