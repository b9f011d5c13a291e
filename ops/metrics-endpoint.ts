import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OPS_EXIT, OpsError } from './ops-error.ts'
import type { OpsMetrics } from './ops-metrics.ts'

export interface MetricsEndpoint {
  readonly port: number
  stop(): Promise<void>
}

export interface MetricsEndpointOptions {
  readonly metrics: OpsMetrics
  readonly bind: string
  /** 0 asks for any free port. */
  readonly port: number
  /** Runs before each answer, so that sampled figures are as old as the scrape. */
  readonly sample: () => void
}

/** Serves the registry at /metrics, as job="sonia-ops". */
export async function serveOpsMetrics(options: MetricsEndpointOptions): Promise<MetricsEndpoint> {
  const server = createServer((req, res) => void answer(options, req, res))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.bind, resolve)
  }).catch((cause: unknown) => {
    throw new OpsError(OPS_EXIT.unavailable, `port ${options.port} of the supervisor's metrics is taken`, {
      hint: 'stop what holds it, or choose another --port-base',
      cause,
    })
  })
  const port = (server.address() as AddressInfo).port
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { port, stop }
}

async function answer(
  options: MetricsEndpointOptions,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  if (req.method !== 'GET' || req.url !== '/metrics') {
    res.writeHead(404).end()
    return
  }
  try {
    options.sample()
    const text = await options.metrics.registry.metrics()
    res.writeHead(200, { 'content-type': options.metrics.registry.contentType }).end(text)
  } catch (error) {
    res.writeHead(500).end(error instanceof Error ? error.message : 'unknown')
  }
}
