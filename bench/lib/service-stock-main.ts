import { trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import type { AddressInfo } from 'node:net'
import { argv, stdout } from 'node:process'
import { Histogram, Registry } from 'prom-client'

// The set that most people would put together: Fastify with its pino logger, instrumentation-http, prom-client in hooks.
// Arguments: the Collector's origin, the file of the log.
const [, , collector = '', logFile = ''] = argv
const peers = createRequire(new URL('../peers/package.json', import.meta.url))
const { HttpInstrumentation } = peers('@opentelemetry/instrumentation-http') as {
  HttpInstrumentation: new () => NonNullable<
    NonNullable<ConstructorParameters<typeof NodeSDK>[0]>['instrumentations']
  >[number]
}
const sdk = new NodeSDK({
  serviceName: 'stock',
  autoDetectResources: false,
  spanProcessors: [
    new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${collector}/v1/traces` }) }),
  ],
  metricReaders: [],
  instrumentations: [new HttpInstrumentation()],
})
sdk.start()
const require = createRequire(import.meta.url)
require('node:http')
syncBuiltinESMExports()

const fastify = require('fastify') as (options: object) => FastifyInstance
const registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>()
registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
const durations = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'Duration of requests',
  labelNames: ['route', 'method', 'code'],
  registers: [registry],
  enableExemplars: true,
})
const app = fastify({ logger: { level: 'info', file: logFile } })
const startedMs = new WeakMap<FastifyRequest, number>()
app.addHook('onRequest', (request, _reply, done) => {
  startedMs.set(request, performance.now())
  done()
})
app.addHook('onResponse', (request, reply, done) => {
  const context = trace.getActiveSpan()?.spanContext()
  const value = (performance.now() - (startedMs.get(request) ?? 0)) / 1000
  ;(durations as Histogram).observe({
    labels: { route: request.routeOptions.url ?? '', method: request.method, code: String(reply.statusCode) },
    value,
    exemplarLabels: context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId },
  })
  done()
})
app.get('/item/:id', () => ({ ok: true, text: 'what was asked for' }))
await app.listen({ host: '127.0.0.1', port: 0 })
stdout.write(`${JSON.stringify({ port: (app.server.address() as AddressInfo).port })}\n`)
