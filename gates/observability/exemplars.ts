/** An exemplar as Prometheus stored it. */
export interface FoundExemplar {
  readonly service: string
  readonly route: string
  readonly traceId: string
}

interface ExemplarAnswer {
  readonly status: string
  readonly data?: readonly {
    readonly seriesLabels: Readonly<Record<string, string>>
    readonly exemplars: readonly { readonly labels: Readonly<Record<string, string>> }[]
  }[]
}

const QUERY = 'sonia_http_request_duration_seconds_bucket{job="sonia"}'
const TIMEOUT_MS = 10_000

/** Every exemplar of request durations between two moments, in seconds since the epoch. */
export async function readExemplars(
  prometheusUrl: string,
  window: { readonly start: number; readonly end: number },
): Promise<readonly FoundExemplar[]> {
  const search = new URLSearchParams({
    query: QUERY,
    start: String(window.start),
    end: String(window.end),
  }).toString()
  const response = await fetch(`${prometheusUrl}/api/v1/query_exemplars?${search}`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const { data } = (await response.json()) as ExemplarAnswer
  return (data ?? []).flatMap(({ seriesLabels, exemplars }) =>
    exemplars.map(({ labels }) => ({
      service: seriesLabels['service'] ?? '',
      route: seriesLabels['route'] ?? '',
      traceId: labels['trace_id'] ?? '',
    })),
  )
}
