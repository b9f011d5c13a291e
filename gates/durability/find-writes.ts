import Database from 'better-sqlite3'
import { askService, serviceToken, type StackAddress } from '../runners/service-access.ts'
import type { AcknowledgedWrite } from './write-load.ts'

/** Acknowledged writes that a running memory-engine does not give back, word for word. */
export async function missingInService(
  address: StackAddress,
  writes: readonly AcknowledgedWrite[],
): Promise<readonly AcknowledgedWrite[]> {
  const token = await serviceToken(address, 'api-gateway', 'memory-engine')
  const missing: AcknowledgedWrite[] = []
  for (const write of writes) {
    const { status, body } = await askService(address, 'memory-engine', {
      path: `/recall/${write.id}`,
      headers: { 'x-service-token': token },
    })
    if (status !== 200 || (body as { content?: unknown }).content !== write.content) missing.push(write)
  }
  return missing
}

/** Whether a search for its own words finds the write. */
export async function isFoundBySearch(address: StackAddress, write: AcknowledgedWrite): Promise<boolean> {
  const token = await serviceToken(address, 'api-gateway', 'memory-engine')
  const { status, body } = await askService(address, 'memory-engine', {
    path: '/search',
    body: { query: write.content, limit: 20 },
    headers: { 'x-service-token': token },
  })
  const results = (body as { results?: unknown }).results
  return (
    status === 200 &&
    Array.isArray(results) &&
    results.some((result: { id?: unknown }) => result.id === write.id)
  )
}

export interface DatabaseState {
  readonly missing: readonly AcknowledgedWrite[]
  /** Null where the file is a whole database: pages, foreign keys, index against table. */
  readonly fault: string | null
}

/** The same for a database file that no service has open. */
export function stateOfDatabase(path: string, writes: readonly AcknowledgedWrite[]): DatabaseState {
  const database = new Database(path)
  try {
    const [first] = database.pragma('integrity_check(1)') as readonly { integrity_check: string }[]
    if (first?.integrity_check !== 'ok') return { missing: [], fault: first?.integrity_check ?? 'no answer' }
    database.prepare("INSERT INTO memories_fts (memories_fts, rank) VALUES ('integrity-check', 1)").run()
    const content = database.prepare<[string], string>('SELECT content FROM memories WHERE id = ?').pluck()
    return { missing: writes.filter((write) => content.get(write.id) !== write.content), fault: null }
  } catch (error) {
    return { missing: [], fault: error instanceof Error ? error.message : String(error) }
  } finally {
    database.close()
  }
}
