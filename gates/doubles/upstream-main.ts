import { parseArgs } from 'node:util'
import { startUpstreamDouble } from './upstream.ts'

// The double as a process of its own: one JSON line with its port on stdout, ends at SIGTERM.
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'token-delay-ms': { type: 'string', default: '0' },
  },
})
const double = await startUpstreamDouble({
  port: Number(values.port),
  tokenDelayMs: Number(values['token-delay-ms']),
})
process.stdout.write(`${JSON.stringify({ port: double.port, base_url: double.baseUrl })}\n`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void double.close().then(() => process.exit(0)))
}
