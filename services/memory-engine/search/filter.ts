import type { MemoryRow } from '../memory.ts'
import { splitWords } from './words.ts'

/** What a search may answer with. */
export interface Filter {
  readonly query: string
  readonly type: string | undefined
  readonly sessionId: string | undefined
  /** Leaves out what cannot be evidence for an answer: turns that only ask the same, answers that only quote. */
  readonly evidenceOnly?: boolean
}

export type Passes = (row: MemoryRow) => boolean

export function createFilter({ query, type, sessionId, evidenceOnly }: Filter): Passes {
  const asked = evidenceOnly === true ? wordsOf(query) : ''
  return (row) =>
    (type ?? row.type) === row.type &&
    (sessionId ?? row.session_id) === row.session_id &&
    (evidenceOnly !== true || (wordsOf(row.content) !== asked && !isStandIn(row)))
}

export function filtersAny({ type, sessionId, evidenceOnly }: Filter): boolean {
  return type !== undefined || sessionId !== undefined || evidenceOnly === true
}

const wordsOf = (text: string): string => splitWords(text).join(' ')

/** An answer of the provider that quotes memories: to recall it would be to quote the quotes. */
function isStandIn({ metadata }: MemoryRow): boolean {
  return (
    metadata.includes('"stand_in"') && (JSON.parse(metadata) as Record<string, unknown>)['stand_in'] === true
  )
}
