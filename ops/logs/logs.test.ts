import assert from 'node:assert/strict'
import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryHome } from '../fixtures/test-host.ts'
import { createFollower } from './follow-logs.ts'
import { type LogFilter, type LogLine, type MergedLine, parseLogLine } from './log-line.ts'
import { readLogs } from './read-logs.ts'
import { renderLogLine } from './render-log.ts'

const ALL: LogFilter = { services: new Set(), minLevel: 'DEBUG', correlationId: undefined, since: undefined }

function line(second: number, more: Partial<LogLine> = {}): string {
  const timestamp = new Date(Date.UTC(2026, 1, 8, 9, 30, second)).toISOString()
  const base = {
    timestamp,
    level: 'INFO',
    service: 'openclaw',
    correlation_id: null,
    operation: 'POST /execute',
  }
  return `${JSON.stringify({ ...base, duration_ms: 1.5, status_code: 200, error: null, message: `line ${second}`, ...more })}\n`
}

const messages = (lines: readonly MergedLine[]) => lines.map((entry) => entry.line.message)

test('torn lines and what a crash wrote are skipped, never fatal', async (t) => {
  const folder = temporaryHome(t)
  writeFileSync(join(folder, 'a.log'), `Segmentation fault\n${line(1)}{"timestamp":"2026`)
  assert.deepEqual(messages(await readLogs(folder, ALL, 10)), ['line 1'])
  assert.deepEqual(await readLogs(join(folder, 'nowhere'), ALL, 10), [])
})

test('lines of all services come in time order, rotated files included', async (t) => {
  const folder = temporaryHome(t)
  writeFileSync(join(folder, 'openclaw.log'), line(3) + line(6))
  writeFileSync(join(folder, 'openclaw.log.1'), line(1))
  writeFileSync(join(folder, 'eva-os.log'), line(2, { service: 'eva-os' }) + line(5, { service: 'eva-os' }))
  writeFileSync(join(folder, 'eva-os.out'), line(4))
  assert.deepEqual(messages(await readLogs(folder, ALL, 10)), [
    'line 1',
    'line 2',
    'line 3',
    'line 5',
    'line 6',
  ])
  assert.deepEqual(messages(await readLogs(folder, ALL, 2)), ['line 5', 'line 6'])
})

test('service, level, correlation id and time each narrow the view', async (t) => {
  const folder = temporaryHome(t)
  const odd = { service: 'eva-os', level: 'ERROR', correlation_id: 'req_12345678' }
  writeFileSync(join(folder, 'x.log'), line(1) + line(2, odd) + line(3, { level: 'DEBUG' }))
  const read = async (filter: Partial<LogFilter>) =>
    messages(await readLogs(folder, { ...ALL, ...filter }, 10))
  assert.deepEqual(await read({ services: new Set(['eva-os']) }), ['line 2'])
  assert.deepEqual(await read({ minLevel: 'WARN' }), ['line 2'])
  assert.deepEqual(await read({ minLevel: 'INFO' }), ['line 1', 'line 2'])
  assert.deepEqual(await read({ correlationId: 'req_12345678' }), ['line 2'])
  assert.deepEqual(await read({ since: '2026-02-08T09:30:02.000Z' }), ['line 2', 'line 3'])
})

test('following shows new whole lines only, across a rotation, and files that appear', (t) => {
  const folder = temporaryHome(t)
  const path = join(folder, 'a.log')
  writeFileSync(path, line(1))
  const follow = createFollower(folder, ALL)
  assert.deepEqual(follow(), [])
  const [half, rest] = [line(2).slice(0, 20), line(2).slice(20)]
  appendFileSync(path, half)
  assert.deepEqual(follow(), [])
  appendFileSync(path, rest)
  assert.deepEqual(messages(follow()), ['line 2'])
  appendFileSync(path, line(3))
  renameSync(path, `${path}.1`)
  writeFileSync(path, line(4))
  writeFileSync(join(folder, 'b.log'), line(5))
  assert.deepEqual(messages(follow()), ['line 3', 'line 4', 'line 5'])
  assert.deepEqual(follow(), [])
})

test('nothing in a line reaches the terminal as a control or direction character', () => {
  const evil = '\u001B[2J\u0007\u202Egnp.exe\r\nforged'
  const parsed = parseLogLine(
    line(1, { message: evil, operation: evil, correlation_id: evil, service: evil }).trim(),
  )
  assert.ok(parsed)
  assert.doesNotMatch(renderLogLine(parsed.line, false), /[\p{Cc}\p{Cf}]/u)
})

test('an error is shown with its code, coloured on a terminal alone', () => {
  const error = { code: 'UNAVAILABLE', message: 'away' }
  const parsed = parseLogLine(
    line(1, { level: 'ERROR', status_code: 503, error, correlation_id: 'req_1' }).trim(),
  )
  assert.ok(parsed)
  assert.equal(
    renderLogLine(parsed.line, false),
    '2026-02-08T09:30:01.000Z ERROR openclaw      POST /execute 503 1.5 ms line 1 UNAVAILABLE: away [req_1]',
  )
  assert.equal(renderLogLine(parsed.line, true).includes('\u001B[31mERROR\u001B[0m'), true)
})
