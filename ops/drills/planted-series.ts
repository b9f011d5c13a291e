import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A made-up series: what it shows while all is well, and while it is not. */
export interface PlantedSeries {
  /** Name with labels, as in the exposition format. */
  readonly series: string
  /** Value at `seconds` since the server started. Counters must not fall when the mood changes. */
  readonly calm: (seconds: number) => number
  /** `badSeconds` have passed since it went bad. */
  readonly bad: (seconds: number, badSeconds: number) => number
}

export interface PlantedServer {
  /** host:port for Prometheus. */
  readonly address: string
  /** Shows the bad values of these series from now on, and calm ones of all others. */
  setBad(series: readonly PlantedSeries[]): void
  stop(): Promise<void>
}

/** Serves the series at /metrics. Counters that rose while bad keep what they gained. */
export async function servePlantedSeries(
  all: readonly PlantedSeries[],
  monotonicMs: () => number,
): Promise<PlantedServer> {
  const startedMs = Math.floor(monotonicMs())
  let bad: ReadonlySet<PlantedSeries> = new Set()
  let badSinceMs = startedMs
  const server = createServer((_req, res) => {
    // One reading for both: a counter that stands still must not fall by a microsecond, which would be a reset.
    const nowMs = Math.floor(monotonicMs())
    const seconds = (nowMs - startedMs) / 1_000
    const badSeconds = (nowMs - badSinceMs) / 1_000
    const lines = all.map((entry) => {
      const value = bad.has(entry) ? entry.bad(seconds, badSeconds) : entry.calm(seconds)
      return `${entry.series} ${value}\n`
    })
    res.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(lines.join(''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    setBad: (series) => {
      bad = new Set(series)
      badSinceMs = Math.floor(monotonicMs())
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
