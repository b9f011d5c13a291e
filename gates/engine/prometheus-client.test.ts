import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { prometheusClient } from './prometheus-client.ts'
import type { InstantAnswer } from './types.ts'

/** Long enough for a machine that has other things to do. */
const PATIENT_MS = 20_000

async function answerTo(listener: RequestListener, timeoutMs = PATIENT_MS): Promise<InstantAnswer> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const client = prometheusClient({
      url: `http://127.0.0.1:${port}`,
      timeoutMs,
      answerBytesMax: 10_000,
    })
    return await client.instant('up', 1000)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

function says(body: unknown, status = 200): RequestListener {
  return (_, response) =>
    void response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
}

function vector(...result: readonly unknown[]) {
  return { status: 'success', data: { resultType: 'vector', result } }
}

const ONE = { metric: { b: '2', a: '1' }, value: [1000, '1'] }

const FAULTS: readonly [string, RequestListener, string][] = [
  ['that never comes', () => undefined, 'timeout'],
  ['cut off by a reset', (request) => void request.socket.destroy(), 'unreachable'],
  [
    'cut off half-way',
    (_, response) => void response.writeHead(200).write('{"status":', () => response.destroy()),
    'unreachable',
  ],
  ['of 20 KB where 10 are allowed', says('x'.repeat(20_000)), 'too_large'],
  ['that is no JSON', says('<html>'), 'malformed'],
  [
    'that redirects elsewhere',
    (_, response) => void response.writeHead(302, { location: '/' }).end(),
    'unreachable',
  ],
  ['without data', says({ status: 'success' }), 'malformed'],
  ['of another type', says({ status: 'success', data: { resultType: 'matrix', result: [] } }), 'malformed'],
  ['with a number where text belongs', says(vector({ metric: {}, value: [1, 2] })), 'malformed'],
  ['with an error', says({ status: 'error', errorType: 'execution', error: 'planted' }, 422), 'rejected'],
  ['with a warning (partial)', says({ ...vector(ONE), warnings: ['partial'] }), 'warning'],
  ['with an info', says({ ...vector(ONE), infos: ['not a counter'] }), 'warning'],
]

for (const [what, listener, kind] of FAULTS) {
  test(`an answer ${what} is kept as a fault, not as data`, async () => {
    const { fault } = await answerTo(listener, kind === 'timeout' ? 200 : PATIENT_MS)
    assert.equal(fault?.kind, kind)
  })
}

test('a Prometheus that is not there is a fault', async () => {
  const { fault } = await prometheusClient({ url: 'http://127.0.0.1:1' }).instant('up', 1)
  assert.equal(fault?.kind, 'unreachable')
})

test('answers are sorted by labels, whatever the order they came in', async () => {
  const other = { metric: { a: '0' }, value: [1000, '5'] }
  const answers = [await answerTo(says(vector(ONE, other))), await answerTo(says(vector(other, ONE)))]
  assert.deepEqual(answers[0], answers[1])
  assert.deepEqual(Object.keys(answers[0]?.data[1]?.labels ?? {}), ['a', 'b'])
})
