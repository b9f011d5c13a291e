import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { Criterion } from './criterion.ts'
import { type InputProblem, problemAt, refuseInput } from './input-problems.ts'
import type { PrometheusClient } from './prometheus-client.ts'
import { subqueryPoints } from './subquery-points.ts'
import type { AskedQuery, StoredAnswer } from './types.ts'

const CONCURRENT_MAX = 4
/** 48 h at 15 s are 11,520 points. */
const SUBQUERY_POINTS_MAX = 2_000_000

/** What is asked, and the place in a file that asks it. */
export interface Asking {
  readonly criterion: Pick<Criterion, 'id' | 'source'>
  readonly queries: readonly AskedQuery[]
}

/** Asks every query of every criterion once, however many criteria share it; answers by `queryKey`. */
export async function askQueries(
  criteria: readonly Asking[],
  client: PrometheusClient,
): Promise<ReadonlyMap<string, StoredAnswer>> {
  refuseHugeSubqueries(criteria)
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

/** Before anything is asked: what would kill Prometheus may not reach it, ours or somebody else's. */
function refuseHugeSubqueries(criteria: readonly Asking[]): void {
  const problems = criteria.flatMap(({ criterion, queries }) =>
    queries.flatMap(({ role, query, start, end }): InputProblem[] => {
      const points = subqueryPoints(query, start === null ? 0 : end - start)
      if (points <= SUBQUERY_POINTS_MAX) return []
      const many = Number.isFinite(points)
        ? `${Math.round(points)} points`
        : 'no number of points that can be told'
      const message = `${criterion.id}, ${role}: its subquery makes ${many} of every series; ${SUBQUERY_POINTS_MAX} are allowed`
      return [problemAt(criterion.source, message)]
    }),
  )
  if (problems.length > 0) throw refuseInput(problems)
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
