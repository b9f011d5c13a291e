import type { ServiceName } from '#catalog'

export type ProbeStatus = 'OK' | 'DEGRADED' | 'DOWN'

export interface Probe {
  readonly atMs: number
  readonly status: ProbeStatus
  readonly latencyMs: number
  /** Error code of a failed probe. */
  readonly problem: string | null
}

export interface ProbeBoard {
  /** Probes all that were not probed within the last second, then answers. */
  look(): Promise<ReadonlyMap<ServiceName, readonly Probe[]>>
  probeAll(): Promise<void>
}

const HISTORY_MAX = 60
const FRESH_MS = 1_000

/** What probes found, newest last, for each of the services. One probe of a service runs at a time. */
export function createProbeBoard(parts: {
  readonly names: readonly ServiceName[]
  /** Never rejects. */
  readonly probe: (name: ServiceName) => Promise<Probe>
  readonly monotonicMs: () => number
}): ProbeBoard {
  const histories = new Map<ServiceName, readonly Probe[]>(parts.names.map((name) => [name, []]))
  let probedAtMs = Number.NEGATIVE_INFINITY
  let running: Promise<void> | undefined
  const probeAll = () => {
    running ??= Promise.all(
      parts.names.map(async (name) => {
        const found = await parts.probe(name)
        histories.set(name, [...(histories.get(name) ?? []), found].slice(-HISTORY_MAX))
      }),
    )
      .then(() => {
        probedAtMs = parts.monotonicMs()
      })
      .finally(() => {
        running = undefined
      })
    return running
  }
  return {
    probeAll,
    async look() {
      if (parts.monotonicMs() - probedAtMs > FRESH_MS) await probeAll()
      return histories
    },
  }
}
