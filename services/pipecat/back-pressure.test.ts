import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#chassis/testing.ts'
import { connected, metric, voice } from './testing.ts'

const MIB = 1 << 20
const OVERFLOW = 'sonia_voice_sessions_closed_total{reason="overflow"}'

test('a client that stops reading is paused, costs at most 4 MiB, and is closed with 4409; others are served', async () => {
  const started = await voice({ stalled_seconds: 2 })
  const { client } = await connected(started)
  const other = await connected(started)
  client.socket.pause()
  client.send('MESSAGE', { text: 'flood', stream: true })
  // Paused: what the gateway has is no longer taken, however long the answer is.
  let taken = -1
  await eventually(async () => {
    const before = taken
    taken = started.gateway.flooded()
    other.client.send('MESSAGE', { text: 'and me' })
    assert.equal((await other.client.next('MESSAGE')).data['text'], 'and me')
    return taken > MIB && before === taken
  })
  let waitingMax = 0
  await eventually(async () => {
    const waiting = Number(await metric(started, 'sonia_voice_buffered_bytes'))
    waitingMax = Math.max(waitingMax, waiting)
    return (await metric(started, OVERFLOW)) === '1'
  }, 10_000)
  assert.ok(waitingMax > MIB && waitingMax <= 4 * MIB, `${waitingMax} bytes waited`)
  client.socket.resume()
  assert.equal(await client.closed, 4409)
  await eventually(() => started.gateway.aborted.includes('flood'))
})

test('a client that asks without reading the answers is closed with 4409 at 4 MiB', async () => {
  const started = await voice()
  const { client } = await connected(started)
  client.socket.pause()
  const padding = 'x'.repeat(100_000)
  await eventually(async () => {
    client.send('SESSION_STOP_PLEASE', { padding })
    for (let frame = 0; frame < 2_000; frame += 1) client.send('STATUS')
    return (await metric(started, OVERFLOW)) === '1'
  }, 30_000)
})

test('a message beyond the queue is refused with its typed answer, and an interruption still gets through', async () => {
  const started = await voice({ queued_messages_max: 3 })
  const { client } = await connected(started)
  client.send('MESSAGE', { text: 'hold', stream: true })
  await client.next('MESSAGE_DELTA')
  for (const text of ['one', 'two', 'three', 'four']) client.send('MESSAGE', { text })
  assert.equal((await client.next('ERROR')).data['code'], 'RATE_LIMITED')
  await eventually(async () => (await metric(started, 'sonia_voice_queued_messages')) === '3')
  client.send('INTERRUPT')
  assert.deepEqual((await client.next('INTERRUPT')).data, { interrupted: true, dropped: 3, last_frame: 0 })
  client.send('MESSAGE', { text: 'five' })
  assert.equal((await client.next('MESSAGE')).data['text'], 'five')
})

test('more than 1 MiB of text that waits is refused with its typed answer, and room comes back with every answer', async () => {
  const started = await voice()
  const { client } = await connected(started)
  client.send('MESSAGE', { text: 'hold', stream: true })
  await client.next('MESSAGE_DELTA')
  const text = 'é'.repeat(100_000)
  for (let sent = 0; sent < 6; sent += 1) client.send('MESSAGE', { text })
  const { data } = await client.next('ERROR')
  assert.deepEqual(data, { code: 'RATE_LIMITED', message: `At most ${MIB} bytes may wait for their answer` })
  client.send('STATUS')
  assert.equal((await client.next('STATUS')).data['queued'], 5)
  client.send('INTERRUPT')
  assert.equal((await client.next('INTERRUPT')).data['dropped'], 5)
  for (let turn = 0; turn < 6; turn += 1) {
    client.send('MESSAGE', { text })
    assert.equal((await client.next('MESSAGE')).data['text'], text)
  }
})

test('who has no room for an answer gets none to the next question either, until there is room', async () => {
  const started = await voice({ pause_at_bytes: 1024, stalled_seconds: 60 })
  const { client } = await connected(started)
  client.socket.pause()
  const text = 'x'.repeat(150_000)
  const { asked } = started.gateway
  await eventually(async () => {
    client.send('MESSAGE', { text })
    return Number(await metric(started, 'sonia_voice_buffered_bytes')) > 1024
  }, 30_000)
  const queued = async () => Number(await metric(started, 'sonia_voice_queued_messages'))
  await eventually(async () => (await queued()) > 0, 10_000)
  const [before, waiting] = [asked.length, await queued()]
  for (const one of ['one', 'two', 'three']) client.send('MESSAGE', { text: one })
  await eventually(async () => (await queued()) === waiting + 3)
  assert.equal(asked.length, before)
  client.socket.resume()
  await eventually(() => asked.at(-1) === 'three', 10_000)
})
