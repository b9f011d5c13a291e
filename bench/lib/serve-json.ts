import { createServer, type Server } from 'node:http'

/** A server that takes everything and answers one JSON text: the keys of eva-os, or a Collector that keeps nothing. */
export function serveJson(port: number, body: string): Promise<Server> {
  const server = createServer((req, res) => {
    req.resume().on('end', () => {
      res.writeHead(200, { 'content-type': 'application/json' }).end(body)
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
