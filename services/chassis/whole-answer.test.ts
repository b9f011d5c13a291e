import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Pool } from 'undici'
import { requestWhole } from './whole-answer.ts'

const GET = { method: 'GET', path: '/' } as const

async function poolTo(t: TestContext, answer: (response: ServerResponse) => void): Promise<Pool> {
  const server = createServer((_request, response) => answer(response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.after(async () => {
    await pool.destroy()
    server.closeAllConnections()
    server.close()
  })
  return pool
}

/** Somebody who waits, until the test gives up. */
function exchangeOf() {
  let listener: (reason: Error) => void = () => undefined
  const exchange = {
    onAbort: (given: (why: Error) => void) => {
      listener = given
    },
  }
  return { exchange, giveUp: (why: Error) => listener(why) }
}

test('a letter that is cut between two packets arrives whole', async (t) => {
  const bytes = Buffer.from('{"text":"Käse 😀"}')
  const pool = await poolTo(t, (response) => {
    response.write(bytes.subarray(0, 11))
    setImmediate(() => response.end(bytes.subarray(11)))
  })
  const { statusCode, text } = await requestWhole(pool, GET, exchangeOf().exchange)
  assert.deepEqual([statusCode, text], [200, bytes.toString()])
})

test('an answer without a body is an empty text', async (t) => {
  const pool = await poolTo(t, (response) => void response.writeHead(204).end())
  const { statusCode, text } = await requestWhole(pool, GET, exchangeOf().exchange)
  assert.deepEqual([statusCode, text], [204, ''])
})

test('an answer of more than 32 MiB is refused', async (t) => {
  const megabyte = Buffer.alloc(1024 * 1024, 'a')
  const pool = await poolTo(t, (response) => {
    for (let sent = 0; sent < 33; sent += 1) response.write(megabyte)
    response.end()
  })
  await assert.rejects(requestWhole(pool, GET, exchangeOf().exchange), { code: 'INTERNAL_ERROR' })
})

test('giving up rejects at once and frees the connection for the next call', async (t) => {
  let asked = 0
  const pool = await poolTo(t, (response) => {
    asked += 1
    if (asked > 1) response.end('second')
  })
  const { exchange, giveUp } = exchangeOf()
  const held = requestWhole(pool, GET, exchange)
  while (asked === 0) await new Promise((resolve) => setImmediate(resolve))
  giveUp(new Error('no longer wanted'))
  await assert.rejects(held, /no longer wanted/)
  assert.equal((await requestWhole(pool, GET, exchangeOf().exchange)).text, 'second')
})
