import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '#chassis/clock.ts'
import { eventually } from '#chassis/testing.ts'
import { connected, metric, reconnected, refusal, startSession, voice } from './testing.ts'

const NEVER_SENT = 'last_seq is higher than any number that was sent in this session'

/** The clock of the machine, and how far it was set forward. */
function movableClock() {
  let aheadMs = 0
  return {
    nowMs: () => systemClock.nowMs() + aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    forward: (ms: number) => {
      aheadMs += ms
    },
  }
}

test('a number that was never sent is refused before the upgrade, and the session can still be resumed with a true one', async () => {
  const started = await voice()
  const fresh = await startSession(started)
  const refused = { status: 400, error: { code: 'INVALID_ARGUMENT', message: NEVER_SENT } }
  assert.deepEqual(await refusal(started.url, `${fresh}?last_seq=1`), refused)
  const { client, id } = await connected(started)
  client.send('MESSAGE', { text: 'one' })
  const { seq } = await client.next('MESSAGE')
  client.socket.terminate()
  await client.closed
  const back = await reconnected(started, id, seq)
  const start = await back.next('SESSION_START')
  assert.deepEqual([start.seq, start.data['lost_frames']], [seq + 1, 0])
  await back.next('STATUS')
  back.socket.terminate()
  await back.closed
  for (const lie of [seq + 3, 2 ** 52]) {
    // 409 until the service knows of the lost connection.
    await eventually(async () => (await refusal(started.url, `${id}?last_seq=${lie}`)).status !== 409)
    assert.deepEqual(await refusal(started.url, `${id}?last_seq=${lie}`), refused)
  }
  const again = await reconnected(started, id, seq + 2)
  assert.equal((await again.next('SESSION_START')).seq, seq + 3)
})

test('who comes back after 30 s is refused with 403, and the session is settled: closed, counted, its file gone', async () => {
  const clock = movableClock()
  const started = await voice({}, undefined, clock)
  const { client, id } = await connected(started)
  const other = await connected(started)
  client.send('MESSAGE', { text: 'hold', stream: true })
  const { seq } = await client.next('MESSAGE_DELTA')
  client.socket.terminate()
  await client.closed
  clock.forward(29_000)
  const back = await reconnected(started, id, seq)
  assert.equal((await back.next('SESSION_START')).data['resumed'], true)
  back.socket.terminate()
  await back.closed
  await eventually(async () => (await refusal(started.url, `${id}?last_seq=99`)).status === 400)
  clock.forward(30_001)
  await eventually(async () => (await refusal(started.url, `${id}?last_seq=99`)).status !== 400)
  const { status, error } = await refusal(started.url, `${id}?last_seq=${seq}`)
  assert.deepEqual([status, error.code], [403, 'FORBIDDEN'])
  const answer = await started.app.inject({ url: `/session/${id}` })
  const { state, closed_reason: reason } = answer.json<{ data: Record<string, string> }>().data
  assert.deepEqual([state, reason], ['CLOSED', 'error'])
  assert.equal(await metric(started, 'sonia_voice_sessions_closed_total{reason="error"}'), '1')
  assert.equal(await metric(started, 'sonia_voice_sessions_active'), '1')
  const folder = join(started.home, 'data', 'sessions')
  await eventually(async () => (await readdir(folder)).join() === `${other.id}.json`)
  assert.deepEqual(started.gateway.aborted, ['hold'], 'what was being generated for nobody is stopped')
  other.client.send('MESSAGE', { text: 'still here' })
  assert.equal((await other.client.next('MESSAGE')).data['text'], 'still here')
})
