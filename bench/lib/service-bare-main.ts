import fastify from 'fastify'
import type { AddressInfo } from 'node:net'
import { argv, stdout } from 'node:process'
import { Pool } from 'undici'

// Fastify and nothing else. First argument: the origin behind /hop.
const [, , origin = 'http://127.0.0.1:9'] = argv
const upstream = new Pool(origin, { connections: 64 })
const app = fastify()
app.get('/item/:id', () => ({ ok: true, text: 'what was asked for' }))
app.get('/hop', async () => {
  const { body } = await upstream.request({ method: 'GET', path: '/' })
  return body.json()
})
await app.listen({ host: '127.0.0.1', port: 0 })
stdout.write(`${JSON.stringify({ port: (app.server.address() as AddressInfo).port })}\n`)
