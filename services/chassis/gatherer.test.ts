import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createGatherer } from './gatherer.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heldBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test('single bytes by the hundred thousand cost little more than their sum', () => {
  const source = Buffer.alloc(64 << 10, 'x')
  const gatherer = createGatherer()
  const before = heldBytes()
  for (let at = 0; at < 300_000; at++) gatherer.add(source.subarray(at % source.length).subarray(0, 1))
  const grownBytes = heldBytes() - before
  assert.equal(gatherer.bytes(), 300_000)
  assert.ok(grownBytes < 10 * gatherer.bytes(), `${grownBytes} bytes for ${gatherer.bytes()}`)
  assert.ok(gatherer.take().equals(Buffer.alloc(300_000, 'x')))
})

test('what is taken comes in order, and the next begins empty', () => {
  const gatherer = createGatherer()
  const text = Array.from({ length: 2000 }, (_, at) => `${at},`)
  for (const piece of text) gatherer.add(Buffer.from(piece))
  assert.equal(gatherer.copy().toString(), text.join(''))
  assert.equal(gatherer.take().toString(), text.join(''))
  assert.deepEqual([gatherer.bytes(), gatherer.take().length], [0, 0])
})
