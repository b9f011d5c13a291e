import { basename, dirname } from 'node:path'
import { DEFAULT_PORT_BASE, portAt, WATCH_PORTS } from '#catalog'
import packageFile from '../package.json' with { type: 'json' }
import { leaveTelemetry } from './handle.ts'
import { usePackedPackages } from './packed-packages.ts'

// Loaded with --import before a service's main.ts: decides where packages come from before the first one is imported,
// then starts the SDK. Spans and metrics are configured here, in code; the SDK would otherwise send logs to a Collector
// of its own choosing.
usePackedPackages(process.env['SONIA_PACKAGES'])
process.env['OTEL_LOGS_EXPORTER'] ??= 'none'

const { startTelemetry } = await import('./start.ts')
leaveTelemetry(
  startTelemetry({
    // services/<name>/main.ts
    service: basename(dirname(process.argv[1] ?? 'unknown/main.ts')),
    version: packageFile.version,
    runId: process.env['SONIA_RUN'] ?? 'none',
    endpoint: process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? `http://127.0.0.1:${collectorPort()}`,
    disabled: process.env['OTEL_SDK_DISABLED'] === 'true',
  }),
)

/** A port base that is no number is refused by the service itself, with a proper message. */
function collectorPort(): number {
  const portBase = Number(process.env['SONIA_PORT_BASE'] ?? DEFAULT_PORT_BASE)
  return portAt(WATCH_PORTS.collector, Number.isInteger(portBase) ? portBase : DEFAULT_PORT_BASE)
}
