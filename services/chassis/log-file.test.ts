import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { LogFile } from './log-file.ts'
import { eventually } from './testing.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonia-log-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Long lists are compared as text: a diff of them would take minutes. */
function assertSameLines(path: string, lines: readonly string[]): void {
  assert.ok(
    readFileSync(path, 'utf8') === `${lines.join('\n')}\n`,
    `${path} does not hold exactly the lines written`,
  )
}

const linesOf = (path: string) => readFileSync(path, 'utf8').split('\n').slice(0, -1)

test('a line reaches the file by itself, soon', async () => {
  const path = join(folder, 'soon.log')
  const file = new LogFile({ path })
  file.write('one\n')
  await eventually(() => linesOf(path).length === 1)
  file.close()
})

test('flushSync writes everything at once, also what was on its way, in order and once', async () => {
  const path = join(folder, 'flush.log')
  const file = new LogFile({ path })
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ${'x'.repeat(40)}`)
  for (const line of lines) file.write(`${line}\n`)
  file.flushSync()
  assertSameLines(path, lines)
  file.flushSync()
  await new Promise((resolve) => setImmediate(resolve))
  file.close()
  assertSameLines(path, lines)
})

test('a batch that is being written while the process flushes is neither lost nor doubled', async () => {
  const path = join(folder, 'racing.log')
  const file = new LogFile({ path })
  const lines: string[] = []
  for (let round = 0; round < 50; round += 1) {
    for (let index = 0; index < 900; index += 1) lines.push(`${round} ${index} ${'y'.repeat(60)}`)
    for (const line of lines.slice(-900)) file.write(`${line}\n`)
    if (round % 3 === 0) file.flushSync()
    if (round % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  file.close()
  assertSameLines(path, lines)
})

test('the file rotates by size, keeps a bounded number, and loses no kept line', () => {
  const path = join(folder, 'rotating.log')
  const file = new LogFile({ path, maxBytes: 1_000, keep: 2 })
  for (let index = 0; index < 40; index += 1) {
    file.write(`${String(index).padStart(99, '0')}\n`)
    file.flushSync()
  }
  file.close()
  assert.equal(existsSync(`${path}.2`), true)
  assert.equal(existsSync(`${path}.3`), false)
  for (const one of [path, `${path}.1`, `${path}.2`]) assert.ok(statSync(one).size <= 1_000)
  const kept = [`${path}.2`, `${path}.1`, path].flatMap((one) => linesOf(one).map(Number))
  assert.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, index) => 40 - kept.length + index),
  )
})

test('a queue that is full drops and counts', () => {
  let dropped = 0
  const file = new LogFile({
    path: join(folder, 'full.log'),
    maxQueuedChars: 100,
    onDrop: (lines) => {
      dropped += lines
    },
  })
  for (let index = 0; index < 10; index += 1) file.write(`${'z'.repeat(29)}\n`)
  file.close()
  assert.equal(dropped, 7)
  assert.equal(linesOf(join(folder, 'full.log')).length, 3)
})

test('a device without space drops and counts, and nothing is thrown', async () => {
  let dropped = 0
  const file = new LogFile({
    path: '/dev/full',
    onDrop: (lines) => {
      dropped += lines
    },
  })
  file.write('a\n')
  file.flushSync()
  assert.equal(dropped, 1)
  file.write('b\n')
  await eventually(() => dropped === 2)
  file.close()
})

test('what is written after close is counted as dropped', () => {
  let dropped = 0
  const file = new LogFile({
    path: join(folder, 'closed.log'),
    onDrop: (lines) => {
      dropped += lines
    },
  })
  file.close()
  file.write('late\n')
  assert.equal(dropped, 1)
})

test('the log is readable by its owner only', () => {
  const path = join(folder, 'mode.log')
  new LogFile({ path }).close()
  assert.equal(statSync(path).mode & 0o077, 0)
})
