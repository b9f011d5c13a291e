import { connect } from 'node:net'
import { CATALOG, portAt } from '#catalog'
import { type RawAnswer, send } from '../corpus-client.ts'
import { notHeld, numberOf, type Procedure, type ProcedureCall, resultOf } from './procedure.ts'

const BYTE_EVERY_MS = 500
const GIVE_UP_MS = 40_000

/**
 * Many clients at once, half of them slow with their headers, half with their bodies, each sending just enough to look
 * alive. All must be sent away with a timeout, and meanwhile a client in a hurry must be served.
 */
export const sendSlowly: Procedure = async (call) => {
  const senders = Array.from({ length: numberOf(call, 'senders') }, (_, index) =>
    startSlow(call, index % 2 === 0),
  )
  const served = await send(call.run.portBase, 'openclaw', { method: 'GET', path: '/healthz' })
  const answers = await Promise.all(senders)
  if (served.status !== 200) return notHeld(`nobody else was served meanwhile (${served.status})`)
  const odd = answers.find(({ status }) => status !== 408)
  return resultOf(odd ?? answers[0] ?? { status: 0, text: '' })
}

async function startSlow(call: ProcedureCall, isSlowBody: boolean): Promise<RawAnswer> {
  const token = await call.run.tokens.forService('api-gateway', 'openclaw')
  const start = ['POST /execute HTTP/1.1', 'host: 127.0.0.1', `x-service-token: ${token}`]
  const body = ['content-type: application/json', 'content-length: 1000', '', '{']
  return drip(call.run.portBase, [...start, ...(isSlowBody ? body : ['x-slow: '])].join('\r\n'))
}

/** Sends `beginning`, then a byte now and then, until the connection is closed; what came back. */
function drip(portBase: number, beginning: string): Promise<RawAnswer> {
  const { promise, resolve } = Promise.withResolvers<RawAnswer>()
  const socket = connect({ host: '127.0.0.1', port: portAt(CATALOG.openclaw.port, portBase) })
  let received = ''
  socket.setEncoding('utf8')
  socket.write(beginning)
  const dripping = setInterval(() => socket.write('a'), BYTE_EVERY_MS)
  const impatience = setTimeout(() => socket.destroy(), GIVE_UP_MS)
  socket.on('data', (chunk: string) => {
    received += chunk
  })
  // Whoever is sent away may still be writing.
  socket.on('error', () => undefined)
  socket.on('close', () => {
    clearInterval(dripping)
    clearTimeout(impatience)
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1] ?? 0)
    resolve({ status, text: received.slice(received.indexOf('\r\n\r\n') + 4) })
  })
  return promise
}
