import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeForStatus, ERROR_CODES, ERROR_TABLE, isErrorCode, ServiceError } from './errors.ts'

test('the statuses are those of the contract', () => {
  assert.deepEqual(ERROR_CODES, {
    DEGRADED: 200,
    INVALID_ARGUMENT: 400,
    UNAUTHORIZED: 401,
    FORBIDDEN: 403,
    NOT_FOUND: 404,
    TIMEOUT: 408,
    CONFLICT: 409,
    TOO_LARGE: 413,
    RATE_LIMITED: 429,
    INTERNAL_ERROR: 500,
    UNAVAILABLE: 503,
  })
})

test('every code of a failure is found again from its status', () => {
  for (const [code, { status }] of Object.entries(ERROR_TABLE)) {
    if (status >= 400) assert.equal(codeForStatus(status), code)
  }
})

test('a status that no code has still gets the code of its class', () => {
  assert.equal(codeForStatus(418), 'INVALID_ARGUMENT')
  assert.equal(codeForStatus(599), 'INTERNAL_ERROR')
  assert.equal(codeForStatus(204), 'OK')
})

test('only codes of the table are codes', () => {
  assert.equal(isErrorCode('NOT_FOUND'), true)
  assert.equal(isErrorCode('toString'), false)
  assert.equal(isErrorCode('OK'), false)
  assert.equal(isErrorCode(404), false)
})

test('422 is INVALID_ARGUMENT and nothing else', () => {
  assert.equal(new ServiceError('INVALID_ARGUMENT', 'x', { unprocessable: true }).status, 422)
  assert.equal(new ServiceError('INVALID_ARGUMENT', 'x').status, 400)
})
