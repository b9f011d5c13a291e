import { Type } from 'typebox'
import type { AddressInfo } from 'node:net'
import { argv, stdout } from 'node:process'
import { buildService } from '#chassis/build-service.ts'
import { defineService } from '#chassis/define-service.ts'

// A service on the chassis, with what the chassis does for every request. Started with otel/register.ts, as services are.
// Arguments: the origin behind /hop, the folder of its state.
const [, , origin = '', home = ''] = argv
const service = defineService({
  name: 'api-gateway',
  config: Type.Object({}, { additionalProperties: false }),
  setup: ({ app, neighbours }) => {
    app.get('/item/:id', { config: { auth: 'open' } }, () => ({ ok: true, text: 'what was asked for' }))
    app.get('/hop', { config: { auth: 'open' } }, async (request) => {
      const { body } = await neighbours.call('memory-engine', { method: 'GET', path: '/' }, request.call)
      return body
    })
  },
})
const built = await buildService(service, {
  home,
  originOf: () => origin,
  tokens: { tokenFor: () => Promise.resolve('a'.repeat(300)), forget: () => undefined },
})
await built.app.listen({ host: '127.0.0.1', port: 0 })
stdout.write(`${JSON.stringify({ port: (built.app.server.address() as AddressInfo).port })}\n`)
