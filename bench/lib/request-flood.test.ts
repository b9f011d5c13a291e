import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countAnswers } from './request-flood.ts'

const GOOD = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'
const BAD = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n'

test('an answer that is not 2xx is counted as failed', () => {
  const { begun, failed } = countAnswers(Buffer.from(GOOD + BAD + GOOD))
  assert.deepEqual({ begun, failed }, { begun: 3, failed: 1 })
})

test('every answer is counted once, wherever the reads cut', () => {
  const whole = GOOD + BAD + GOOD + GOOD
  for (let cut = 0; cut <= whole.length; cut++) {
    const first = countAnswers(Buffer.from(whole.slice(0, cut)))
    const second = countAnswers(Buffer.concat([first.tail, Buffer.from(whole.slice(cut))]))
    assert.equal(first.begun + second.begun, 4, `cut at ${cut}`)
    assert.equal(first.failed + second.failed, 1, `cut at ${cut}`)
  }
})
