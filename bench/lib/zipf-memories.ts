import { openForWriting } from '../../services/memory-engine/database/open-database.ts'
import { type Cumulative, createZipf, wordOfRank } from './zipf.ts'

export interface ZipfDatabase {
  readonly file: string
  readonly memories: number
}

const ROWS_PER_TRANSACTION = 20_000
const TURNS_PER_SESSION = 20
const MINUTE_MS = 60_000
const FIRST_MS = Date.UTC(2025, 0, 1)

/** A memory database of so many turns of 8 to 42 words, each word drawn by Zipf's law. */
export function makeZipfDatabase(file: string, memories: number, random: () => number): ZipfDatabase {
  const db = openForWriting({ file, busyTimeoutMs: 1000, bytesMax: 0 })
  // The file is thrown away after the bench: nothing in it needs to survive a power cut.
  db.pragma('synchronous = OFF')
  const row = db.prepare('INSERT INTO memories VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
  const text = db.prepare('INSERT INTO memories_fts (rowid, content) VALUES (?, ?)')
  const zipf = createZipf()
  for (let seq = 1; seq <= memories; ) {
    db.exec('BEGIN')
    const end = Math.min(memories, seq + ROWS_PER_TRANSACTION - 1)
    for (; seq <= end; seq++) {
      const content = textOf(zipf, random)
      const atMs = FIRST_MS + seq * MINUTE_MS
      const id = `mem_${seq.toString(16).padStart(12, '0')}`
      row.run(seq, id, 'turn', content, '{}', `ses_${Math.floor(seq / TURNS_PER_SESSION)}`, atMs, atMs)
      text.run(seq, content)
    }
    db.prepare('UPDATE index_state SET indexed_seq = ?').run(end)
    db.exec('COMMIT')
  }
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
  return { file, memories }
}

function textOf(zipf: Cumulative, random: () => number): string {
  const length = 8 + Math.floor(random() * 35)
  return Array.from({ length }, () => wordOfRank(zipf.draw(random))).join(' ')
}
