import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ROOT_CONTEXT } from '@opentelemetry/api'
import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { SpanQueue } from './span-queue.ts'

/** An exporter whose answers the test gives. */
function heldExporter() {
  const batches: { spans: ReadableSpan[]; done: (result: ExportResult) => void }[] = []
  const exporter: SpanExporter = {
    export: (spans, done) => void batches.push({ spans, done }),
    shutdown: () => Promise.resolve(),
  }
  return { exporter, batches }
}

function finish(queue: SpanQueue, count: number): void {
  const tracer = new TracerProvider({ spanProcessors: [queue] }).getTracer('test')
  for (let index = 0; index < count; index += 1) tracer.startSpan(`span ${index}`, {}, ROOT_CONTEXT).end()
}

test('a full queue drops and counts, and keeps the oldest', async () => {
  const { exporter, batches } = heldExporter()
  const queue = new SpanQueue({ exporter, capacity: 4, batchSize: 100, intervalMs: 60_000 })
  finish(queue, 10)
  assert.equal(queue.dropped, 6)
  const flushed = queue.forceFlush()
  assert.deepEqual(
    batches[0]?.spans.map(({ name }) => name),
    ['span 0', 'span 1', 'span 2', 'span 3'],
  )
  batches[0]?.done({ code: ExportResultCode.SUCCESS })
  await flushed
  assert.equal(queue.exported, 4)
})

test('a batch that the Collector refuses is counted as dropped, and the next one is tried', async () => {
  const { exporter, batches } = heldExporter()
  const queue = new SpanQueue({ exporter, batchSize: 2, intervalMs: 60_000 })
  finish(queue, 3)
  assert.equal(batches.length, 1)
  const flushed = queue.forceFlush()
  batches[0]?.done({ code: ExportResultCode.FAILED })
  await new Promise((resolve) => setImmediate(resolve))
  batches[1]?.done({ code: ExportResultCode.SUCCESS })
  await flushed
  assert.deepEqual([queue.dropped, queue.exported], [2, 1])
})

test('one export at a time, in order, and every span exactly once around the ring', async () => {
  const exporter = new InMemorySpanExporter()
  const queue = new SpanQueue({ exporter, capacity: 8, batchSize: 3, intervalMs: 60_000 })
  for (let round = 0; round < 20; round += 1) {
    finish(queue, 5)
    await queue.forceFlush()
  }
  assert.equal(exporter.getFinishedSpans().length, 100)
  assert.equal(queue.dropped, 0)
})

test('spans that end after the shutdown are counted as dropped', async () => {
  const queue = new SpanQueue({ exporter: new InMemorySpanExporter(), intervalMs: 60_000 })
  await queue.shutdown()
  finish(queue, 2)
  assert.equal(queue.dropped, 2)
})
