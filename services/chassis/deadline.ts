import { ServiceError } from './errors.ts'

export const DEADLINE_HEADER = 'x-deadline-ms'
export const REQUEST_TIMEOUT_MS = 30_000

const WHOLE_MS = /^\d{1,9}$/

/** Milliseconds this request may take: what the caller has left, at most the route's own limit. */
export function requestBudgetMs(header: string | readonly string[] | undefined, limitMs: number): number {
  if (header === undefined) return limitMs
  if (typeof header !== 'string' || !WHOLE_MS.test(header)) {
    throw new ServiceError('INVALID_ARGUMENT', 'X-Deadline-Ms must be a whole number of milliseconds')
  }
  const left = Number(header)
  if (left === 0) throw new ServiceError('TIMEOUT', 'The deadline has passed')
  return Math.min(left, limitMs)
}
