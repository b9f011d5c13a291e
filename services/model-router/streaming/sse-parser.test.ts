import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSseParser, formatSse, SseOverflow, type SseUnit } from './sse-parser.ts'

fc.configureGlobal({ seed: 20261124 })

const LIMIT = { maxUnitBytes: 1 << 20 }

function parse(pieces: readonly Buffer[]): { units: SseUnit[]; rest: Buffer } {
  const parser = createSseParser(LIMIT)
  const units = pieces.flatMap((piece) => parser.push(piece))
  return { units, rest: parser.rest() }
}

function dataOf(text: string): (string | null)[] {
  return parse([Buffer.from(text)]).units.map((unit) => unit.data)
}

function cut(bytes: Buffer, points: readonly number[]): Buffer[] {
  const sorted = [...new Set(points.map((point) => point % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...sorted].map((from, index) => bytes.subarray(from, sorted[index] ?? bytes.length))
}

const eventsOf = (units: readonly SseUnit[]) =>
  units.filter((unit) => unit.data !== null).map(({ event, data }) => ({ event, data }))

const line = fc.oneof(
  fc.constantFrom(
    'data: a',
    'data:b',
    'data',
    'data: ',
    'event: x',
    ': note',
    'id: 7',
    'retry: 1',
    '',
    '\uFEFFdata: z',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => `data: ${text}`),
  fc.string({ maxLength: 6 }),
)
const stream = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 30 })
  .map((lines) => Buffer.from(lines.flat().join('')))

test('refuses a unit beyond its bound instead of buffering without end', () => {
  const parser = createSseParser({ maxUnitBytes: 16 })
  assert.throws(() => parser.push(Buffer.alloc(17, 'x')), SseOverflow)
})

test('any split of the bytes gives the same events', () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (bytes, points) => {
      assert.deepEqual(eventsOf(parse(cut(bytes, points)).units), eventsOf(parse([bytes]).units))
    }),
    { numRuns: 500 },
  )
})

test('one byte at a time gives the same events', () => {
  fc.assert(
    fc.property(stream, (bytes) => {
      const single = [...bytes].map((byte) => Buffer.from([byte]))
      assert.deepEqual(eventsOf(parse(single).units), eventsOf(parse([bytes]).units))
    }),
    { numRuns: 200 },
  )
})

test('the units and the rest are the input, byte for byte, for arbitrary bytes and any split', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(), { maxLength: 12 }), (input, points) => {
      const bytes = Buffer.from(input)
      const { units, rest } = parse(cut(bytes, points))
      assert.deepEqual(Buffer.concat([...units.map((unit) => unit.raw), rest]), bytes)
    }),
    { numRuns: 500 },
  )
})

test('reads data lines as the standard says', () => {
  assert.deepEqual(dataOf('data: a\n\ndata: b\n\n'), ['a', 'b'])
  assert.deepEqual(dataOf('data: a\r\n\r\ndata: b\r\rdata: c\n\n'), ['a', 'b', 'c'])
  assert.deepEqual(dataOf('data: one\ndata: two\n\n'), ['one\ntwo'])
  assert.deepEqual(dataOf('data\n\n'), [''])
  assert.deepEqual(dataOf('data:  two spaces\n\n'), [' two spaces'])
  assert.deepEqual(dataOf(': comment\n\n'), [null])
  assert.deepEqual(dataOf('\uFEFFdata: a\n\n'), ['a'])
  assert.deepEqual(dataOf('data: unfinished\n'), [])
})

test('a character cut in the middle of its bytes is whole again', () => {
  const bytes = Buffer.from('data: grüß 🦉\n\n')
  for (let at = 1; at < bytes.length; at++) {
    const [unit] = parse([bytes.subarray(0, at), bytes.subarray(at)]).units
    assert.equal(unit?.data, 'grüß 🦉')
  }
})

test('what is formatted is parsed back, line ends inside the text included', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const [unit] = parse([formatSse({ text }, 'delta')]).units
      assert.deepEqual(JSON.parse(unit?.data ?? ''), { text })
      assert.equal(unit?.event, 'delta')
    }),
  )
})
