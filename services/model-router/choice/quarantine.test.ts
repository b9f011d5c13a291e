import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultOfStatus, parseRetryAfterMs, UpstreamFault } from '../upstream-fault.ts'
import { createQuarantine } from './quarantine.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')

test('a rate limit rests as long as Retry-After says, and is over then', () => {
  const quarantine = createQuarantine({ restMs: 60_000 })
  quarantine.note(faultOfStatus(429, '7', NOW), 1000)
  assert.equal(quarantine.untilMs(7999), 8000)
  assert.equal(quarantine.untilMs(8000), 0)
})

test('a refused key and an unknown model rest for the configured time', () => {
  for (const status of [401, 403, 404]) {
    const quarantine = createQuarantine({ restMs: 60_000 })
    quarantine.note(faultOfStatus(status, undefined, NOW), 0)
    assert.equal(quarantine.untilMs(59_999), 60_000, String(status))
  }
})

test("a fault that may be over at once does not rest: that is the breaker's part", () => {
  const quarantine = createQuarantine({ restMs: 60_000 })
  for (const kind of [
    'refused',
    'cut',
    'stalled',
    'server_error',
    'malformed',
    'first_token_timeout',
  ] as const) {
    quarantine.note(new UpstreamFault(kind, 'x'), 0)
  }
  assert.equal(quarantine.untilMs(0), 0)
})

test('a later, shorter rest does not end a longer one', () => {
  const quarantine = createQuarantine({ restMs: 60_000 })
  quarantine.note(faultOfStatus(401, undefined, NOW), 0)
  quarantine.note(faultOfStatus(429, '1', NOW), 0)
  assert.equal(quarantine.untilMs(1), 60_000)
})

test('Retry-After is seconds or a date, bounded, and never nonsense', () => {
  assert.equal(parseRetryAfterMs('3', NOW), 3000)
  assert.equal(parseRetryAfterMs('Thu, 01 Jan 2026 00:00:10 GMT', NOW), 10_000)
  assert.equal(parseRetryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', NOW), 0)
  assert.equal(parseRetryAfterMs('999999', NOW), 300_000)
  for (const text of [undefined, '', 'soon', '-5', '1e9x']) {
    const ms = parseRetryAfterMs(text, NOW)
    assert.ok(ms >= 0 && ms <= 300_000, String(text))
  }
})

test('each status stands for the fault that decides what happens next', () => {
  const kinds = [400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529, 302, 204].map((status) => [
    status,
    faultOfStatus(status, undefined, NOW).kind,
  ])
  assert.deepEqual(Object.fromEntries(kinds), {
    204: 'server_error',
    302: 'server_error',
    400: 'rejected',
    401: 'unauthorized',
    403: 'unauthorized',
    404: 'unknown_model',
    408: 'server_error',
    409: 'server_error',
    413: 'rejected',
    422: 'rejected',
    429: 'rate_limited',
    500: 'server_error',
    502: 'server_error',
    503: 'server_error',
    529: 'server_error',
  })
})
