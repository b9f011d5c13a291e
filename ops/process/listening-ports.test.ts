import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test, type TestContext } from 'node:test'
import { ownsPort, parseListeners, takenPorts } from './listening-ports.ts'

async function listener(t: TestContext, host: string): Promise<number> {
  const server = createServer().listen(0, host)
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('a free port is not reported', async (t) => {
  const port = await listener(t, '127.0.0.1')
  assert.deepEqual(
    takenPorts([port === 65_535 ? port - 1 : port + 1]).filter((holder) => holder.pid === process.pid),
    [],
  )
})

test('a port that somebody else listens on is not ours', async (t) => {
  const port = await listener(t, '127.0.0.1')
  assert.equal(ownsPort(process.ppid, port), false)
  assert.equal(ownsPort(process.pid, port), true)
})

for (const host of ['127.0.0.1', '::1', '0.0.0.0', '::']) {
  test(`a listener on ${host} is found with pid and command`, async (t) => {
    const port = await listener(t, host)
    const [holder] = takenPorts([port])
    assert.equal(holder?.pid, process.pid)
    assert.match(holder.command, /node/)
  })
}

test('only sockets in state LISTEN count', () => {
  const text = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1B58 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1',
    '   1: 0100007F:1B59 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 222 1',
    '   2: 0100007F:1B5A 0100007F:9C40 06 00000000:00000000 00:00000000 00000000     0        0 0 3',
    '',
  ].join('\n')
  assert.deepEqual(parseListeners(text), [{ port: 7_000, inode: '111' }])
})
