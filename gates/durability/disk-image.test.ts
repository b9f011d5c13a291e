import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imageAfter, type PowerLoss } from './disk-image.ts'
import { type FileCall, parseTrace } from './syscall-trace.ts'

const FILE = '/data/a'

function write(offset: number, text: string, at: number): FileCall {
  return { kind: 'write', file: FILE, offset, bytes: Buffer.from(text), startedAt: at, endedAt: at + 0.1 }
}

function sync(at: number): FileCall {
  return { kind: 'sync', file: FILE, startedAt: at, endedAt: at + 0.5 }
}

function textAfter(calls: readonly FileCall[], loss: Partial<PowerLoss>): string {
  const image = imageAfter(new Map([[FILE, Buffer.from('....')]]), calls, {
    at: 100,
    seed: 1,
    unsynced: 'none',
    ...loss,
  })
  return image.get(FILE)?.toString() ?? ''
}

test('what a finished sync secured is on the disk, what came after it is not', () => {
  assert.equal(textAfter([write(0, 'AB', 1), sync(2), write(2, 'CD', 3)], {}), 'AB..')
})

test('a sync that had not ended when the power went secured nothing', () => {
  assert.equal(textAfter([write(0, 'AB', 1), sync(2)], { at: 2.2 }), '....')
})

test('a write that ended after the sync began is not covered by it', () => {
  assert.equal(textAfter([write(0, 'AB', 2.05), sync(2)], {}), '....')
})

test('a disk that lies about syncs loses what was synced: the negative control', () => {
  assert.equal(textAfter([write(0, 'AB', 1), sync(2)], { ignoreSyncs: true }), '....')
})

test('a truncation counts like a write', () => {
  const truncate: FileCall = { kind: 'truncate', file: FILE, length: 1, startedAt: 1, endedAt: 1.1 }
  assert.equal(textAfter([truncate, sync(2)], {}), '.')
})

test('the same seed gives the same disk, and torn writes end at a sector', () => {
  const long = 'x'.repeat(4096)
  const calls = Array.from({ length: 8 }, (_, index) => write(index * 4096, long, index))
  const one = textAfter(calls, { unsynced: 'torn', seed: 7 })
  assert.equal(one, textAfter(calls, { unsynced: 'torn', seed: 7 }))
  const pieces = one.split(/[^x]+/).filter((piece) => piece !== '')
  assert.ok(pieces.length > 0)
  for (const piece of pieces) assert.equal(piece.length % 512, 0)
})

const TRACE = `
101 1700000000.000001 pwrite64(20<\\x2f\\x64\\x61\\x74\\x61\\x2f\\x61>, "\\x41\\x42", 2, 4096) = 2 <0.000010>
102 1700000000.000100 fdatasync(20<\\x2f\\x64\\x61\\x74\\x61\\x2f\\x61> <unfinished ...>
101 1700000000.000200 pwrite64(20<\\x2f\\x64\\x61\\x74\\x61\\x2f\\x61>, "\\x43", 1, 0) = -1 EIO (Input/output error) <0.000010>
102 1700000000.000900 <... fdatasync resumed>) = 0 <0.000800>
101 1700000000.001000 ftruncate(20<\\x2f\\x64\\x61\\x74\\x61\\x2f\\x61>, 100) = 0 <0.000005>
101 1700000000.002000 +++ exited with 0 +++
`

test('a trace is read with its split calls; failed calls changed nothing', () => {
  const calls = parseTrace(TRACE)
  assert.deepEqual(
    calls.map(({ kind, file }) => [kind, file]),
    [
      ['write', FILE],
      ['sync', FILE],
      ['truncate', FILE],
    ],
  )
  const [first, second] = calls
  assert.ok(first?.kind === 'write' && first.bytes.toString() === 'AB' && first.offset === 4096)
  assert.ok(second !== undefined && second.startedAt < second.endedAt)
})

test('a write that was not recorded whole is an error, never a guess', () => {
  assert.throws(
    () => parseTrace(`1 1.0 pwrite64(3<${'\\x61'}>, "\\x41"..., 2, 0) = 2 <0.1>`),
    /cannot be read/,
  )
})
