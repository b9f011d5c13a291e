import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mock, test } from 'node:test'
import { createReplyStream } from './reply-stream.ts'

const NEVER = new AbortController().signal
const BIG = Buffer.alloc(100_000, 'x')

test('a client that does not read makes the writer wait, and reading lets it go on', async () => {
  const { readable, write } = createReplyStream(NEVER)
  let isFree = false
  const waiting = write(BIG)
  assert.ok(waiting instanceof Promise)
  void waiting.then(() => {
    isFree = true
  })
  await Promise.resolve()
  assert.equal(isFree, false)
  readable.resume()
  await waiting
})

test('a client that goes lets a waiting writer go, and later writes are dropped', async () => {
  const { readable, write, end } = createReplyStream(NEVER)
  const waiting = write(BIG)
  readable.destroy()
  await waiting
  assert.equal(write(BIG), undefined)
  end()
})

test('the end of its time lets a writer go whose client does not read, and then cuts the client off', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const deadline = new AbortController()
  const { readable, write, end } = createReplyStream(deadline.signal)
  const waiting = write(BIG)
  deadline.abort()
  await waiting
  assert.equal(write(BIG), undefined)
  end()
  mock.timers.tick(999)
  assert.equal(readable.destroyed, false)
  mock.timers.tick(1)
  assert.equal(readable.destroyed, true)
})

test('what is written comes out in order, then the end', async () => {
  const { readable, write, end } = createReplyStream(NEVER)
  const pieces: string[] = []
  readable.on('data', (piece: Buffer) => pieces.push(String(piece)))
  for (const text of ['a', 'b', 'c']) await write(Buffer.from(text))
  end()
  end()
  await once(readable, 'end')
  assert.equal(pieces.join(''), 'abc')
})
