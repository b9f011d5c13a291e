import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client, metric, refusedUpgrade, type Voice, voiceWithKeys } from './testing.ts'

const KEYS = { ada: 'ada-key', bob: 'bob-key' } as const
type Person = keyof typeof KEYS

/** Voice behind API keys, as it must be on any address but loopback. */
const keyedVoice = () => voiceWithKeys(KEYS)

const headersOf = (person: Person) => ({ authorization: `Bearer ${KEYS[person]}` })

async function sessionOf(started: Voice, person: Person): Promise<string> {
  const headers = headersOf(person)
  const answer = await started.app.inject({ method: 'POST', url: '/session/start', headers, payload: {} })
  return answer.json<{ data: { session_id: string } }>().data.session_id
}

async function firstFrame(
  started: Voice,
  id: string,
  content: string | Buffer,
): Promise<{ client: Client; code: unknown }> {
  const client = new Client(started.url, id)
  assert.equal(await client.opened(), true)
  client.socket.send(content)
  const { type, data } = await client.next()
  return { client, code: type === 'ERROR' ? data['code'] : type }
}

const auth = (key: unknown) => JSON.stringify({ type: 'AUTH', data: { key } })

test('without the key nothing of a session is given: not over HTTP, not with another first frame than AUTH', async () => {
  const started = await keyedVoice()
  assert.equal(
    (await started.app.inject({ method: 'POST', url: '/session/start', payload: {} })).statusCode,
    401,
  )
  const id = await sessionOf(started, 'ada')
  const wrong = [
    auth('wrong'),
    auth(''),
    auth(7),
    '{"type":"AUTH"}',
    'null',
    '{',
    '{"type":"MESSAGE","data":{"text":"hi"}}',
  ]
  for (const content of [...wrong, auth('x'.repeat(5_000)), Buffer.from(auth(KEYS.ada))]) {
    const { client, code } = await firstFrame(started, id, content)
    assert.equal(code, 'UNAUTHORIZED', String(content).slice(0, 60))
    assert.equal(await client.closed, 4401)
  }
  assert.equal(await metric(started, 'sonia_service_auth_failures_total{reason="api_key"}'), '10')
  assert.deepEqual(started.gateway.asked, [])
  // Strangers did not take the one socket that the session has.
  const { client, code } = await firstFrame(started, id, auth(KEYS.ada))
  assert.equal(code, 'SESSION_START')
  client.send('MESSAGE', { text: 'good morning' })
  assert.equal((await client.next('MESSAGE')).data['text'], 'good morning')
})

test("another's session is as if it were not there, with a good key as well", async () => {
  const started = await keyedVoice()
  const id = await sessionOf(started, 'ada')
  const headers = headersOf('bob')
  const url = `/session/${id}`
  assert.equal((await started.app.inject({ url, headers })).statusCode, 404)
  const stop = { method: 'POST' as const, url: '/session/stop', headers, payload: { session_id: id } }
  assert.equal((await started.app.inject(stop)).statusCode, 404)
  assert.equal(await refusedUpgrade(started.url, id, headers), 403)
  const late = new Client(started.url, id)
  await late.opened()
  late.socket.send(auth(KEYS.bob))
  assert.equal(await late.closed, 4401)
  const state = await started.app.inject({ url, headers: headersOf('ada') })
  assert.equal(state.json<{ data: { state: string } }>().data.state, 'ACTIVE')
})

test('a number that was never sent is refused to who shows the key later too, and told to nobody without it', async () => {
  const started = await keyedVoice()
  const id = await sessionOf(started, 'ada')
  const stranger = new Client(started.url, id, '?last_seq=7')
  assert.equal(await stranger.opened(), true)
  stranger.socket.send(auth('wrong'))
  assert.equal((await stranger.next()).data['code'], 'UNAUTHORIZED')
  const late = new Client(started.url, id, '?last_seq=7')
  await late.opened()
  late.socket.send(auth(KEYS.ada))
  assert.equal((await late.next()).data['code'], 'INVALID_ARGUMENT')
  assert.equal(await late.closed, 1008)
  const { code } = await firstFrame(started, id, auth(KEYS.ada))
  assert.equal(code, 'SESSION_START')
})

test('frames that follow the key at once are answered, in order', async () => {
  const started = await keyedVoice()
  const client = new Client(started.url, await sessionOf(started, 'ada'))
  await client.opened()
  client.socket.send(auth(KEYS.ada))
  client.send('MESSAGE', { text: 'one' })
  client.send('MESSAGE', { text: 'two' })
  assert.equal((await client.next('MESSAGE')).data['text'], 'one')
  assert.equal((await client.next('MESSAGE')).data['text'], 'two')
})

test('a socket that shows no key is cut; a stop of the service does not wait for it', async () => {
  const started = await keyedVoice()
  const silent = new Client(started.url, await sessionOf(started, 'ada'))
  await silent.opened()
  assert.equal(
    (await silent.next('ERROR').catch((error: unknown) => ({ data: { code: String(error) } }))).data['code'],
    'UNAUTHORIZED',
  )
  assert.equal(await silent.closed, 4401)
  const another = new Client(started.url, await sessionOf(started, 'ada'))
  await another.opened()
  await started.stop()
  assert.ok([1005, 1006].includes(await another.closed))
})
