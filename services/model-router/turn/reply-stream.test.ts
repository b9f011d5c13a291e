import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createReplyStream } from './reply-stream.ts'

const BIG = Buffer.alloc(100_000, 'x')

test('a client that does not read makes the writer wait, and reading lets it go on', async () => {
  const { readable, write } = createReplyStream()
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
  const { readable, write, end } = createReplyStream()
  const waiting = write(BIG)
  readable.destroy()
  await waiting
  assert.equal(write(BIG), undefined)
  end()
})

test('what is written comes out in order, then the end', async () => {
  const { readable, write, end } = createReplyStream()
  const pieces: string[] = []
  readable.on('data', (piece: Buffer) => pieces.push(String(piece)))
  for (const text of ['a', 'b', 'c']) await write(Buffer.from(text))
  end()
  end()
  await once(readable, 'end')
  assert.equal(pieces.join(''), 'abc')
})
