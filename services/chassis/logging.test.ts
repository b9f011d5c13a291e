import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { startCall } from './call-context.ts'
import { systemClock } from './clock.ts'
import { ServiceError } from './errors.ts'
import { createAccessLog, createLogger, type LogSettings } from './logging.ts'

fc.configureGlobal({ seed: 20261124 })

const schema = JSON.parse(readFileSync(new URL('log-line.schema.json', import.meta.url), 'utf8')) as object
const isValid = new Ajv({ strict: false }).compile(schema)

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())

/** With what JSON has to escape. */
const OPERATION = 'GET /"x"/é'

type Line = Record<string, unknown>

/** A logger whose lines are kept; each is held to the published schema. */
function recording(level: LogSettings['level'] = 'INFO') {
  const lines: Line[] = []
  const texts: string[] = []
  const counted: string[] = []
  const settings: LogSettings = {
    service: 'memory-engine',
    runId: 'run-1',
    level,
    clock: { nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6), monotonicMs: () => 0 },
    destination: {
      write: (text) => {
        assert.equal(text.indexOf('\n'), text.length - 1)
        const line = JSON.parse(text) as Line
        assert.ok(isValid(line), JSON.stringify({ line, errors: isValid.errors }))
        lines.push(line)
        texts.push(text)
      },
    },
    onLine: (written) => counted.push(written),
  }
  const access = createAccessLog(settings).forOperation(OPERATION)
  return { log: createLogger(settings), access, lines, texts, counted }
}

test('a planted line that misses a field does not pass the schema', () => {
  const { log, lines } = recording()
  log.info({}, 'x')
  const { message: _, ...rest } = lines[0] ?? {}
  assert.equal(isValid(rest), false)
  assert.equal(isValid({ ...lines[0], extra: 1 }), false)
  assert.equal(isValid({ ...lines[0], level: 'info' }), false)
})

test('every way of logging gives exactly the published fields', () => {
  const { log, lines, counted } = recording('DEBUG')
  log.info('only text')
  log.warn({ operation: 'o', duration_ms: 1.5, status_code: 200 }, 'fields')
  log.error(new Error('bare error'))
  log.error({ err: new Error('as err') }, 'x')
  log.debug({ error: { code: 'NOT_FOUND', message: 'plain' } }, 'x')
  log.fatal({ provider: 'p', n: 1 }, 'extras')
  log.info({ response: 'text', extra: 2 }, 'both')
  assert.equal(lines.length, 7)
  assert.deepEqual(counted, ['INFO', 'WARN', 'ERROR', 'ERROR', 'DEBUG', 'FATAL', 'INFO'])
  assert.deepEqual(lines[5]?.['response'], { provider: 'p', n: 1 })
  assert.deepEqual(lines[6]?.['response'], { value: 'text', extra: 2 })
  assert.equal(lines[0]?.['timestamp'], '2026-01-02T03:04:05.006Z')
})

test('a level below the threshold is neither written nor counted', () => {
  const { log, access, lines, counted } = recording('WARN')
  log.info('x')
  access('INFO', accessLine())
  assert.deepEqual([lines, counted], [[], []])
})

test('lines far from the request carry its correlation id', async () => {
  const { log, lines } = recording()
  const call = startCall({ timeoutMs: 1_000, correlationId: 'given-id-1' }, systemClock, () => 'x')
  await context.with(call.otel, async () => {
    await Promise.resolve()
    log.info({ operation: 'deep' }, 'x')
  })
  assert.equal(lines[0]?.['correlation_id'], 'given-id-1')
})

test('an error tells its causes, and its stack only while debugging', () => {
  const error = new ServiceError('UNAVAILABLE', 'down', {
    cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
  })
  const info = recording('INFO')
  info.log.error({ error }, 'x')
  assert.deepEqual(info.lines[0]?.['error'], { code: 'UNAVAILABLE', message: 'down: connect (ECONNREFUSED)' })
  const debug = recording('DEBUG')
  debug.log.error({ error }, 'x')
  assert.match(JSON.stringify(debug.lines[0]?.['error']), /logging\.test\.ts/)
})

test('secrets are masked in fields, messages and errors', () => {
  const { log, lines } = recording()
  const secret = 'sk-live-0123456789abcdef'
  log.info({ request: { api_key: 'plain', text: `use ${secret}` }, note: secret }, `got ${secret}`)
  log.error({ error: new Error(`refused ${secret}`) }, 'x')
  log.info(`bare ${secret}`)
  assert.doesNotMatch(JSON.stringify(lines), /0123456789abcdef|"plain"/)
})

test('the line of a request is valid too, with and without content', () => {
  const { access, lines } = recording()
  access('INFO', accessLine())
  access('WARN', {
    ...accessLine(),
    content: { request: { password: 'hunter2', q: 1 }, response: 'Bearer abcdefghijkl' },
  })
  assert.deepEqual(lines[1]?.['request'], { bytes: 3, content: { password: '[redacted]', q: 1 } })
  assert.deepEqual(lines[1]?.['response'], { code: 'OK', content: '[redacted]' })
})

test('the line of a request is letter for letter what pino would have written', () => {
  const { access, log, texts } = recording('DEBUG')
  const error = { code: 'TIMEOUT', message: 'said "no"\n' }
  const ids = { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) }
  for (const line of [
    accessLine(),
    { ...accessLine(), ...ids, request_bytes: 0 },
    { ...accessLine(), ...ids, request_bytes: 0, duration_ms: 1e-7 },
    { ...accessLine(), ...ids, code: 'TIMEOUT', status_code: 408, error },
    { ...accessLine(), ...ids, content: { request: { q: ['x'] }, response: null } },
  ]) {
    access('INFO', line)
    const { code, request_bytes: bytes, content, trace_id, span_id, duration_ms, ...same } = line
    log.info(
      {
        ...same,
        operation: OPERATION,
        duration_ms: Math.round(duration_ms * 1000) / 1000,
        request: content === undefined ? { bytes } : { bytes, content: content.request },
        response: content === undefined ? { code } : { code, content: content.response },
        ...(/^0+$/.test(trace_id) ? {} : { trace_id, span_id }),
      },
      'request finished',
    )
    const [own, pinos] = texts.splice(0)
    assert.equal(own, pinos)
  }
})

test('nothing that can be logged breaks a line', () => {
  const { log, lines } = recording()
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.anything()),
      fc.string({ unit: 'binary' }),
      (fields, message) => {
        const {
          correlation_id: _c,
          operation: _o,
          duration_ms: _d,
          status_code: _s,
          trace_id: _t,
          span_id: _p,
          ...rest
        } = fields
        log.info(rest, message)
      },
    ),
  )
  assert.ok(lines.length >= 100)
})

function accessLine() {
  return {
    correlation_id: 'abcdefgh',
    duration_ms: 1.23456,
    status_code: 200,
    code: 'OK',
    error: null,
    request_bytes: 3,
    content: undefined,
    trace_id: '0'.repeat(32),
    span_id: '0'.repeat(16),
  }
}
