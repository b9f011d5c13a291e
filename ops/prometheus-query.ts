/** One series of an instant query's answer. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const QUERY_TIMEOUT_MS = 5_000

interface InstantAnswer {
  readonly status: string
  readonly error?: string
  readonly data?: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] }
}

/** An instant query; throws when Prometheus does not answer or refuses the expression. */
export async function askPrometheus(url: string, query: string): Promise<readonly Sample[]> {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query }).toString()}`, {
    signal: AbortSignal.timeout(QUERY_TIMEOUT_MS),
  })
  const answer = (await response.json()) as InstantAnswer
  if (answer.status !== 'success' || answer.data === undefined) throw new Error(answer.error ?? 'no answer')
  return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
}
