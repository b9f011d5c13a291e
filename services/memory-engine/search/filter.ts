import type { MemoryRow } from '../memory.ts'

/** What a search may answer with. */
export interface Filter {
  readonly type: string | undefined
  readonly sessionId: string | undefined
}

export function passes(row: Pick<MemoryRow, 'type' | 'session_id'>, { type, sessionId }: Filter): boolean {
  return (type ?? row.type) === row.type && (sessionId ?? row.session_id) === row.session_id
}
