import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '#chassis/testing.ts'
import { connected, metric, reconnected, refusedUpgrade, startSession, voice } from './testing.ts'

test('a user_id of control characters, line separators or half a character is refused, in body and query alike', async () => {
  const started = await voice()
  const post = (url: string, payload?: object) =>
    started.app.inject({ method: 'POST', url, ...(payload === undefined ? {} : { payload }) })
  for (const bad of [
    '\0',
    'a\0b',
    '\u001b[2J',
    'a\nb',
    '\u0085',
    '\u2028',
    '\ud800',
    'a\udc00b',
    '\udc00\ud800',
  ]) {
    const { statusCode, body } = await post('/session/start', { user_id: bad })
    const { error } = JSON.parse(body) as { error: { code: string } }
    assert.deepEqual([statusCode, error.code], [400, 'INVALID_ARGUMENT'], JSON.stringify(bad))
  }
  assert.equal((await post('/session/start?user_id=a%00b')).statusCode, 400)
  assert.equal(await metric(started, 'sonia_voice_sessions_created_total'), '0')
  for (const good of ['ada', 'Ada Lovelace', 'Ünï 李 😀', 'a@b.example', 'x'.repeat(128), '😀'.repeat(128)]) {
    const { statusCode, body } = await post('/session/start', { user_id: good })
    assert.equal(statusCode, 200, good)
    assert.equal((JSON.parse(body) as { data: { user_id: string } }).data.user_id, good)
  }
  assert.equal((await post('/session/start?user_id=%C3%9Cn%C3%AF')).statusCode, 200)
})

test('an unknown or closed session is refused before the upgrade, a second live socket conflicts', async () => {
  const started = await voice()
  assert.equal(await refusedUpgrade(started.url, 'b5f0e1a2-0000-4000-8000-000000000000'), 403)
  const { id, client } = await connected(started)
  assert.equal(await refusedUpgrade(started.url, id), 409)
  client.send('SESSION_STOP')
  await client.closed
  assert.equal(await refusedUpgrade(started.url, id), 403)
})

test('a session goes from start over messages to a clean close with 1000, and the counters agree', async () => {
  const started = await voice()
  const { client } = await connected(started)
  client.send('MESSAGE', { text: 'good morning', stream: true })
  assert.equal((await client.next('MESSAGE_DELTA')).data['text'], 'good ')
  assert.equal((await client.next('MESSAGE_DELTA')).data['text'], 'morning')
  const answer = await client.next('MESSAGE')
  assert.deepEqual([answer.data['text'], answer.data['role']], ['good morning', 'assistant'])
  client.send('SESSION_STOP', { reason: 'enough' })
  assert.equal((await client.next('SESSION_STOP')).data['reason'], 'enough')
  assert.equal(await client.closed, 1000)
  assert.equal(await metric(started, 'sonia_voice_sessions_created_total'), '1')
  assert.equal(await metric(started, 'sonia_voice_sessions_closed_total{reason="clean"}'), '1')
  assert.equal(await metric(started, 'sonia_voice_sessions_active'), '0')
})

test('a gateway that fails is a typed frame, and the session lives on', async () => {
  const started = await voice()
  const { client } = await connected(started)
  client.send('MESSAGE', { text: 'down' })
  assert.equal((await client.next('ERROR')).data['code'], 'UNAVAILABLE')
  client.send('MESSAGE', { text: 'up again' })
  assert.equal((await client.next('MESSAGE')).data['text'], 'up again')
})

test('an interruption stops the answer upstream, drops what waits, and nothing stale follows', async () => {
  const started = await voice()
  const { client } = await connected(started)
  client.send('MESSAGE', { text: 'hold', stream: true })
  client.send('MESSAGE', { text: 'waiting' })
  await client.next('MESSAGE_DELTA')
  client.send('INTERRUPT')
  const stopped = await client.next('INTERRUPT')
  assert.deepEqual(stopped.data, { interrupted: true, dropped: 1, last_frame: 0 })
  client.send('MESSAGE', { text: 'next question' })
  assert.equal((await client.next('MESSAGE')).data['text'], 'next question')
  assert.ok(started.gateway.aborted.includes('hold'))
})

test('a client that lost its connection resumes and gets the frames it missed, once and in order', async () => {
  const started = await voice()
  const { client, id } = await connected(started)
  client.send('MESSAGE', { text: 'one' })
  const first = await client.next('MESSAGE')
  client.send('MESSAGE', { text: 'two' })
  await client.next('MESSAGE')
  client.socket.terminate()
  await client.closed
  const back = await reconnected(started, id, first.seq)
  const missed = await back.next('MESSAGE')
  assert.equal(missed.data['text'], 'two')
  const start = await back.next('SESSION_START')
  assert.deepEqual([start.data['resumed'], start.data['lost_frames']], [true, 0])
})

test('sessions that a killed process left behind are settled at the next start', async () => {
  const first = await voice()
  const folder = join(first.home, 'data', 'sessions')
  const id = await startSession(first)
  await first.stop()
  const old = {
    session_id: '00000000-0000-4000-8000-000000000001',
    user_id: null,
    owner: null,
    metadata: {},
    created_at_ms: 0,
  }
  const young = { ...old, session_id: id, created_at_ms: Date.now() }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${old.session_id}.json`), JSON.stringify(old))
  await writeFile(join(folder, `${young.session_id}.json`), JSON.stringify(young))
  await writeFile(join(folder, 'torn.json'), '{"session_id"')
  const second = await voice({}, first.home)
  assert.equal(await metric(second, 'sonia_voice_sessions_closed_total{reason="restart"}'), '1')
  assert.equal(await metric(second, 'sonia_voice_sessions_active'), '1')
  const { client } = await connected(second, '?last_seq=41', id)
  client.send('MESSAGE', { text: 'again' })
  const answer = await client.next('MESSAGE')
  assert.equal(answer.seq, 44, 'numbers go on from what the client saw of the earlier process')
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.includes('torn')),
    [],
  )
})

test('a client that answers no ping is cut', async () => {
  const started = await voice({ ping_seconds: 1, resume_seconds: 0 })
  const { client } = await connected(started)
  client.socket.pause()
  const lines = 'sonia_voice_sessions_closed_total{reason="error"}'
  await eventually(async () => (await metric(started, lines)) === '1', 10_000)
})

test('a stop of the service says goodbye with 1001 and leaves no session file', async () => {
  const home = await mkdtemp(join(tmpdir(), 'sonia-voice-'))
  const started = await voice({}, home)
  const { client } = await connected(started)
  await started.stop()
  assert.equal(await client.closed, 1001)
  assert.deepEqual(await readdir(join(home, 'data', 'sessions')), [])
  await rm(home, { recursive: true })
})

test('a page that is left, or a socket that is closed, ends its session at once, and is no error', async () => {
  const started = await voice()
  for (const code of [1000, 1001]) {
    const { client, id } = await connected(started)
    client.socket.close(code)
    await client.closed
    await eventually(async () => (await refusedUpgrade(started.url, id)) === 403)
  }
  const closed = (reason: string) => metric(started, `sonia_voice_sessions_closed_total{reason="${reason}"}`)
  assert.deepEqual([await closed('client_closed'), (await closed('error')) ?? '0'], ['2', '0'])
})
