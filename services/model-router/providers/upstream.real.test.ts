import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { json } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { type DoubleProcess, startDouble } from '../testing/double-process.ts'
import { createUpstream, type Upstream } from './upstream.ts'
import { createWatch } from './watch.ts'

let double: DoubleProcess

before(async () => {
  double = await startDouble()
})
after(() => double.stop())

function upstreamAt(host: string, addresses: readonly string[]) {
  const { port } = new URL(double.baseUrl)
  return createUpstream({
    baseUrl: `http://${host}:${port}/v1`,
    headers: {},
    connectMs: 1000,
    connections: 1,
    nowMs: () => 0,
    resolve: (_host, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      ),
  })
}

const REQUEST = {
  path: '/chat/completions',
  body: { model: 'm', messages: [{ role: 'user', content: 'x' }] },
  watch: createWatch(() => () => undefined),
}

/** Whole answers and streams are asked for in different ways, and refused in the same. */
async function refusesBoth(upstream: Upstream, fault: object): Promise<void> {
  await assert.rejects(upstream.stream(REQUEST), fault)
  await assert.rejects(upstream.whole(REQUEST), fault)
}

test('a name that turns out to be loopback or link-local is refused on connect: nothing is sent', async () => {
  const before = (await double.state()).requests
  for (const address of ['127.0.0.1', '169.254.169.254']) {
    const upstream = upstreamAt('models.example', [address])
    await refusesBoth(upstream, { name: 'UpstreamFault', kind: 'address_refused' })
    await upstream.close()
  }
  assert.equal((await double.state()).requests, before)
})

test('loopback that the configuration names is reached', async () => {
  const upstream = upstreamAt('localhost', ['127.0.0.1'])
  const { body } = await upstream.stream(REQUEST)
  const streamed = await json(body)
  assert.deepEqual(JSON.parse(await upstream.whole(REQUEST)), streamed)
  await upstream.close()
})

test('a redirect is not followed: it is a fault', async () => {
  await double.setFaults([{ fault: { kind: 'status', status: 307 } }])
  const upstream = upstreamAt('localhost', ['127.0.0.1'])
  await refusesBoth(upstream, { kind: 'server_error' })
  await upstream.close()
  await double.setFaults([])
})

test('nobody listening is a refusal', async () => {
  const closed = createUpstream({
    baseUrl: 'http://127.0.0.1:1/v1',
    headers: {},
    connectMs: 1000,
    connections: 1,
    nowMs: () => 0,
  })
  await refusesBoth(closed, { kind: 'refused' })
  await closed.close()
})

/** Listens, accepts nothing and lets its queue run full: whoever connects now waits. */
const DEAF = `
const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, server.address().port + '\\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

test('a connection that nobody accepts ends in a connect timeout, not in a long wait', async (t) => {
  const deaf = spawn(process.execPath, ['-e', DEAF], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(deaf.stdout, 'data')) as [Buffer]
  const port = Number(String(line))
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
  t.after(() => {
    for (const filler of fillers) filler.destroy()
    deaf.kill('SIGKILL')
  })
  await once(fillers[1] ?? deaf, 'connect')
  const upstream = createUpstream({
    baseUrl: `http://127.0.0.1:${port}/v1`,
    headers: {},
    connectMs: 300,
    connections: 1,
    nowMs: () => 0,
  })
  await refusesBoth(upstream, { kind: 'connect_timeout' })
  await upstream.close()
})
