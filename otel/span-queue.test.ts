import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SpanQueue, type SpanSender } from './span-queue.ts'

const frame = { head: '[', tail: ']' }

/** A sender whose answers the test gives. */
function heldSender() {
  const requests: { spans: unknown[]; done: (isTaken: boolean) => void }[] = []
  const sender: SpanSender = {
    send: (body) =>
      new Promise((done) => {
        requests.push({ spans: JSON.parse(Buffer.from(body).toString()) as unknown[], done })
      }),
    close: () => Promise.resolve(),
  }
  return { sender, requests }
}

function collectingSender() {
  const spans: unknown[] = []
  const sender: SpanSender = {
    send: (body) => {
      spans.push(...(JSON.parse(Buffer.from(body).toString()) as unknown[]))
      return Promise.resolve(true)
    },
    close: () => Promise.resolve(),
  }
  return { sender, spans }
}

function finish(queue: SpanQueue, count: number): void {
  for (let index = 0; index < count; index += 1) queue.add(JSON.stringify(`span ${index}`))
}

test('a full queue drops and counts, and keeps the oldest', async () => {
  const { sender, requests } = heldSender()
  const queue = new SpanQueue({ sender, frame, capacity: 4, batchSize: 100, intervalMs: 60_000 })
  finish(queue, 10)
  assert.equal(queue.dropped, 6)
  const flushed = queue.forceFlush()
  assert.deepEqual(requests[0]?.spans, ['span 0', 'span 1', 'span 2', 'span 3'])
  requests[0]?.done(true)
  await flushed
  assert.equal(queue.exported, 4)
})

test('a batch that the Collector refuses is counted as dropped, and the next one is tried', async () => {
  const { sender, requests } = heldSender()
  const queue = new SpanQueue({ sender, frame, batchSize: 2, intervalMs: 60_000 })
  finish(queue, 3)
  assert.equal(requests.length, 1)
  const flushed = queue.forceFlush()
  requests[0]?.done(false)
  await new Promise((resolve) => setImmediate(resolve))
  requests[1]?.done(true)
  await flushed
  assert.deepEqual([queue.dropped, queue.exported], [2, 1])
})

test('one request at a time, in order, and every span exactly once', async () => {
  const { sender, spans } = collectingSender()
  const queue = new SpanQueue({ sender, frame, capacity: 8, batchSize: 3, intervalMs: 60_000 })
  for (let round = 0; round < 20; round += 1) {
    finish(queue, 5)
    await queue.forceFlush()
  }
  assert.deepEqual(
    spans,
    Array.from({ length: 100 }, (_, index) => `span ${index % 5}`),
  )
  assert.equal(queue.dropped, 0)
})

test('what waits is sent after the interval, however little it is', async () => {
  const { sender, requests } = heldSender()
  const queue = new SpanQueue({ sender, frame, intervalMs: 1 })
  finish(queue, 1)
  while (requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.deepEqual(requests[0]?.spans, ['span 0'])
  requests[0]?.done(true)
  await queue.shutdown()
})

test('spans longer than a piece, and of letters beyond ASCII, arrive whole', async () => {
  const { sender, spans } = collectingSender()
  const queue = new SpanQueue({ sender, frame, intervalMs: 60_000 })
  const long = ['ä'.repeat(40_000), '😀'.repeat(10_000), 'x']
  for (const text of long) queue.add(JSON.stringify(text))
  await queue.forceFlush()
  assert.deepEqual(spans, long)
})

test('spans that end after the shutdown are counted as dropped', async () => {
  const queue = new SpanQueue({ sender: collectingSender().sender, frame, intervalMs: 60_000 })
  await queue.shutdown()
  finish(queue, 2)
  assert.equal(queue.dropped, 2)
})
