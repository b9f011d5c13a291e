import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { argv, stdout } from 'node:process'

// The least a hop can do in Node: node:http in, node:http out with kept connections, bytes through. It checks,
// counts, logs and knows nothing. First argument: the origin behind it.
const [, , origin = ''] = argv
const { hostname, port } = new URL(origin)
const agent = new Agent({ keepAlive: true })

const server = createServer({ noDelay: true }, (req, res) => {
  const { method = 'GET', url: path = '/', headers } = req
  const onward = request({ hostname, port, path, method, headers, agent }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(res)
  })
  onward.on('error', () => res.destroy())
  res.on('close', () => {
    if (!res.writableFinished) onward.destroy()
  })
  req.pipe(onward)
})
server.listen(0, '127.0.0.1', () => {
  stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`)
})
