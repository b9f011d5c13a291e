import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { eventsIn, jsonIn, type StreamedEvent } from './event-source.ts'

fc.configureGlobal({ seed: 20261124 })

async function read(pieces: readonly Buffer[]): Promise<StreamedEvent[]> {
  const events: StreamedEvent[] = []
  for await (const event of eventsIn(Readable.from(pieces, { objectMode: false }))) events.push(event)
  return events
}

test('an event beyond all bounds is refused, not gathered for ever', async () => {
  const pieces = [Buffer.from('data: '), ...Array.from({ length: 6 }, () => Buffer.alloc(1 << 20, 'x'))]
  await assert.rejects(read(pieces), { code: 'UNAVAILABLE' })
})

test('what is no JSON is the fault of the neighbour that sent it', () => {
  assert.throws(() => jsonIn({ event: 'delta', data: '{"text":' }), { code: 'UNAVAILABLE' })
})

test('an event without its end is no event', async () => {
  assert.deepEqual(await read([Buffer.from('data: 1\n\nevent: done\ndata: 2\n')]), [{ event: '', data: '1' }])
})

test('any split of the bytes gives the same events, names and letters of all lengths', async () => {
  const event = fc.record(
    {
      event: fc.constantFrom('', 'delta', 'done'),
      data: fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => JSON.stringify({ text })),
    },
    { noNullPrototype: true },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 8 }), splitIsSame),
    { numRuns: 60 },
  )
})

async function splitIsSame(events: readonly StreamedEvent[], points: readonly number[]): Promise<void> {
  const text = events.map(({ event, data }) => `${event === '' ? '' : `event: ${event}\n`}data: ${data}\n\n`)
  const bytes = Buffer.from(text.join(''))
  const cuts = [0, ...points.map((point) => point % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  )
  const pieces = cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end))
  assert.deepEqual(await read(pieces.filter(({ length }) => length > 0)), events)
}
