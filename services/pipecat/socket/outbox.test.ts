import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { Outbox } from './outbox.ts'

const KIB = 1024

/** A socket that takes what it was handed only when told to: the one thing a real one cannot be made to do exactly. */
function lazySocket() {
  const handed: { content: string | Buffer; done: () => void }[] = []
  const taken: (string | Buffer)[] = []
  const socket = {
    OPEN: WebSocket.OPEN,
    readyState: WebSocket.OPEN as number,
    get bufferedAmount() {
      return handed.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0)
    },
    send: (content: string | Buffer, _options: object, done: () => void) => handed.push({ content, done }),
  }
  return {
    socket: socket as unknown as WebSocket,
    taken,
    close: () => {
      socket.readyState = WebSocket.CLOSED
    },
    takeAll: () => {
      for (let next = handed.shift(); next !== undefined; next = handed.shift()) {
        taken.push(next.content)
        next.done()
      }
    },
  }
}

function outboxAt(limits = { pauseAtBytes: 200 * KIB, cutAtBytes: 400 * KIB }) {
  const lazy = lazySocket()
  let overflows = 0
  const outbox = new Outbox(lazy.socket, limits, () => {
    overflows += 1
  })
  return { ...lazy, outbox, overflows: () => overflows }
}

const FRAME = 'x'.repeat(10 * KIB)

test('beyond the second mark the owner is told, small frames being counted with what they cost', () => {
  const { outbox, overflows } = outboxAt()
  for (let sent = 0; sent < 30; sent += 1) outbox.send(FRAME)
  assert.equal(overflows(), 0)
  for (let sent = 0; sent < 1_000; sent += 1) outbox.send('{}')
  assert.ok(overflows() > 0, `${outbox.waitingBytes} bytes wait`)
})

test('above the first mark there is no room until the client took enough; who waits is let go at the end too', async () => {
  const { outbox, takeAll } = outboxAt()
  for (let sent = 0; sent < 25; sent += 1) outbox.send(FRAME)
  let hasRoom = false
  const room = outbox.room(1_000).then(() => {
    hasRoom = true
  })
  await new Promise(setImmediate)
  assert.deepEqual([hasRoom, outbox.stalledMs(1_500)], [false, 500])
  takeAll()
  await room
  assert.equal(outbox.stalledMs(2_000), 0)
  for (let sent = 0; sent < 25; sent += 1) outbox.send(FRAME)
  const again = outbox.room(3_000)
  outbox.discard()
  await again
})

test('frames arrive in the order they were sent, those that waited as well', () => {
  const { outbox, taken, takeAll } = outboxAt()
  const sent = Array.from({ length: 30 }, (_, index) => `${index}${FRAME}`)
  for (const frame of sent) outbox.send(frame)
  takeAll()
  assert.deepEqual(taken, sent)
  assert.equal(outbox.waitingBytes, 0)
})

test('of what waits, an interruption drops the sound and keeps the words', () => {
  const { outbox, taken, takeAll } = outboxAt()
  const sound = Buffer.alloc(10 * KIB)
  for (let sent = 0; sent < 10; sent += 1) {
    outbox.send(sound)
    outbox.send(`word ${sent}`)
  }
  const dropped = outbox.dropSound()
  takeAll()
  // 64 KiB were handed to the socket before: seven frames of sound.
  assert.equal(dropped, 3)
  assert.equal(taken.filter((content) => typeof content !== 'string').length, 7)
  assert.equal(taken.filter((content) => typeof content === 'string').length, 10)
  assert.equal(outbox.waitingBytes, 0)
})

test('a goodbye hands over what waits; a closed socket takes nothing more', () => {
  const { outbox, taken, takeAll, close } = outboxAt()
  for (let sent = 0; sent < 12; sent += 1) outbox.send(FRAME)
  outbox.flush()
  close()
  outbox.send('too late')
  takeAll()
  assert.equal(taken.length, 12)
})
