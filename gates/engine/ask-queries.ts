import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { PrometheusClient } from './prometheus-client.ts'
import type { ResolvedCriterion } from './resolve-criterion.ts'
import type { AskedQuery, StoredAnswer } from './types.ts'

const CONCURRENT_MAX = 4

/** Asks every query of every criterion once, however many criteria share it; answers by `queryKey`. */
export async function askQueries(
  criteria: readonly ResolvedCriterion[],
  client: PrometheusClient,
): Promise<ReadonlyMap<string, StoredAnswer>> {
  const asked = new Map<string, { query: AskedQuery; source: string }>()
  for (const { criterion, queries } of criteria) {
    for (const query of queries) {
      const source = `${criterion.source}: ${criterion.id}, ${query.role}`
      if (!asked.has(queryKey(query))) asked.set(queryKey(query), { query, source })
    }
  }
  const answers = new Map<string, StoredAnswer>()
  const waiting = [...asked.entries()].values()
  const worker = async () => {
    for (const [key, { query, source }] of waiting) {
      const answer = await ask(query, client)
      refuseBadExpression(answer, source)
      answers.set(key, answer)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT_MAX }, worker))
  return answers
}

export function queryKey({ kind, query, start, end, step }: AskedQuery): string {
  return JSON.stringify([kind, query, start, end, step])
}

async function ask(
  { kind, query, start, end, step }: AskedQuery,
  client: PrometheusClient,
): Promise<StoredAnswer> {
  if (kind === 'instant') return client.instant(query, end)
  if (start === null || step === null) throw new Error('a range query without its range')
  return client.range(query, { start, end, step })
}

/** An expression that can never be answered is the file's fault: an error with its place, never a verdict. */
function refuseBadExpression({ fault }: StoredAnswer, source: string): void {
  if (fault === null) return
  const isTooMuch =
    fault.kind === 'too_large' || /too many samples|exceeded maximum resolution/.test(fault.message)
  const isRefused = fault.kind === 'rejected' && fault.message.startsWith('bad_data')
  if (!isTooMuch && !isRefused) return
  throw new CliError(EXIT_CODES.badInput, `${source}: ${fault.message}`, {
    hint: isTooMuch
      ? 'ask for less: a recording rule, or a longer step'
      : 'correct the expression in the criteria file',
  })
}
