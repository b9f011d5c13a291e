import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { stdout } from 'node:process'

// Answers everything with one small JSON text.
const TEXT = '{"ok":true,"text":"from the neighbour"}'
const HEADERS = { 'content-type': 'application/json', 'content-length': String(TEXT.length) }
const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume()
  response.writeHead(200, HEADERS).end(TEXT)
})
server.listen(0, '127.0.0.1', () => {
  stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`)
})
