import { randomUUID } from 'node:crypto'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { argv, stdout } from 'node:process'
import { type WebSocket, WebSocketServer } from 'ws'

// The least that a voice service can be: node:http and ws, the same frames, the same call onward. It checks, counts,
// logs, limits and stores nothing. First argument: the origin of the gateway.
const [, , origin = ''] = argv
const { hostname, port } = new URL(origin)
const agent = new Agent({ keepAlive: true })

const server = createServer({ noDelay: true }, (req, res) => {
  req.resume().on('end', () => {
    const body = JSON.stringify({ data: { session_id: randomUUID() } })
    res.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
})
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.send('{"type":"SESSION_START"}')
  socket.send('{"type":"STATUS"}')
  socket.on('message', (data: Buffer) => {
    const frame = JSON.parse(data.toString('utf8')) as { type: string; data: { text: string } }
    if (frame.type === 'MESSAGE') askGateway(frame.data.text, socket)
    else socket.close(1000)
  })
})

function askGateway(message: string, socket: WebSocket): void {
  const headers = { 'content-type': 'application/json' }
  const onward = request({ hostname, port, path: '/v1/chat', method: 'POST', headers, agent }, (answer) => {
    let text = ''
    answer.setEncoding('utf8')
    answer.on('data', (piece: string) => {
      text += piece
    })
    answer.on('end', () => socket.send(JSON.stringify({ type: 'MESSAGE', data: { text } })))
  })
  onward.end(JSON.stringify({ message }))
}

server.listen(0, '127.0.0.1', () => {
  stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`)
})
