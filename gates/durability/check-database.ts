import Database from 'better-sqlite3'
import { embeddings } from '../doubles/embedding-answers.ts'
import { isWholeContent } from './drill-content.ts'
import type { AcknowledgedWrite } from './write-load.ts'

export interface DatabaseState {
  /** Acknowledged writes that are not there, word for word. */
  readonly missing: readonly AcknowledgedWrite[]
  /** Rows of which only a part is there. */
  readonly halfRows: number
  /** Vectors that are not those of their row's content. */
  readonly wrongVectors: number
  readonly vectors: number
  /** Null where the file is a whole database: pages, foreign keys, full-text index against its table. */
  readonly fault: string | null
}

const NOTHING = { missing: [], halfRows: 0, wrongVectors: 0, vectors: 0 }

/** The vector that the drill's provider makes of a text. */
export type VectorOf = (text: string) => readonly number[]

export const vectorOfText: VectorOf = (input) =>
  embeddings({ model: 'double', input }).data[0]?.embedding ?? []

/** A memory database that no service has open, against what was acknowledged. */
export function stateOfDatabase(
  path: string,
  writes: readonly AcknowledgedWrite[],
  vectorOf: VectorOf = vectorOfText,
): DatabaseState {
  const database = new Database(path)
  try {
    const fault = faultOf(database)
    if (fault !== null) return { ...NOTHING, fault }
    const content = database.prepare<[string], string>('SELECT content FROM memories WHERE id = ?').pluck()
    const missing = writes.filter((write) => content.get(write.id) !== write.content)
    return { missing, halfRows: countHalfRows(database), ...countVectors(database, vectorOf), fault: null }
  } catch (error) {
    return { ...NOTHING, fault: error instanceof Error ? error.message : String(error) }
  } finally {
    database.close()
  }
}

function faultOf(database: Database.Database): string | null {
  const [first] = database.pragma('integrity_check(1)') as readonly { integrity_check: string }[]
  if (first?.integrity_check !== 'ok') return first?.integrity_check ?? 'no answer'
  const orphans = database.pragma('foreign_key_check') as readonly unknown[]
  if (orphans.length > 0) return `${orphans.length} rows without their parent`
  // rank 1: compare with the content table too, not only within the index (SQLite documentation, FTS5 4.4.2).
  database.prepare("INSERT INTO memories_fts (memories_fts, rank) VALUES ('integrity-check', 1)").run()
  return null
}

function countHalfRows(database: Database.Database): number {
  const contents = database.prepare<[], string>('SELECT content FROM memories').pluck()
  let halfRows = 0
  for (const content of contents.iterate()) if (!isWholeContent(content)) halfRows += 1
  return halfRows
}

interface VectorRow {
  readonly content: string
  readonly signature: Uint8Array
  readonly components: Uint8Array
}

/** Each vector once more from its row's content, by the provider that made it. */
function countVectors(
  database: Database.Database,
  vectorOf: VectorOf,
): Pick<DatabaseState, 'vectors' | 'wrongVectors'> {
  if (!hasTable(database, 'memory_vectors')) return { vectors: 0, wrongVectors: 0 }
  const rows = database.prepare<[], VectorRow>(
    'SELECT content, signature, components FROM memory_vectors JOIN memories USING (seq)',
  )
  let vectors = 0
  let wrongVectors = 0
  for (const row of rows.iterate()) {
    vectors += 1
    if (!isVectorOf(row, vectorOf(row.content.slice(0, EMBEDDED_CHARS_MAX)))) wrongVectors += 1
  }
  return { vectors, wrongVectors }
}

function hasTable(database: Database.Database, name: string): boolean {
  const found = database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name)
  return found !== undefined
}

const INT8_MAX = 127
/** The engine embeds the beginning of a long memory. */
const EMBEDDED_CHARS_MAX = 8000

function isVectorOf({ signature, components }: VectorRow, values: readonly number[]): boolean {
  const kept = new Int8Array(components.buffer, components.byteOffset, components.byteLength)
  const largest = Math.max(...values.map(Math.abs))
  if (kept.length !== values.length) return false
  return values.every((value, at) => {
    const isPositive = ((signature[at >> 3] ?? 0) & (1 << (at & 7))) !== 0
    const component = largest === 0 ? 0 : Math.round((value / largest) * INT8_MAX)
    // Minus zero rounds to zero in eight bits.
    return isPositive === value > 0 && kept[at] === (component === 0 ? 0 : component)
  })
}
