import type { Statements } from '../database/statements.ts'
import type { MemoryRow } from '../memory.ts'
import { mentionedDays } from '../search/mentioned-days.ts'

type Indexed = Pick<MemoryRow, 'seq' | 'content' | 'created_at_ms'>

/** Keeps what is derived from content (full text, mentioned days) in step with the table. */
export interface TextIndex {
  /** Takes up to `limit` durable rows into the index; answers how many there were. */
  readonly takePending: (limit: number) => number
  readonly remove: (row: Indexed) => void
  readonly replace: (before: Indexed, content: string) => void
}

/**
 * A memory is durable with its row alone (half of the pages of a commit that also updates the index);
 * the index follows in groups within milliseconds, and searches read the rows it does not hold yet.
 */
export function createTextIndex(statement: Statements): TextIndex {
  const indexedSeq = () =>
    statement('index', 'SELECT indexed_seq FROM index_state').get<{ indexed_seq: number }>()?.indexed_seq ?? 0
  const setIndexedSeq = (seq: number) => statement('index', 'UPDATE index_state SET indexed_seq = ?').run(seq)

  function add(row: Indexed): void {
    statement('index', 'INSERT INTO memories_fts (rowid, content) VALUES (?, ?)').run(row.seq, row.content)
    const days = statement('index', 'INSERT OR IGNORE INTO mentioned_days (day, seq) VALUES (?, ?)')
    for (const day of mentionedDays(row.content, row.created_at_ms)) days.run(day, row.seq)
  }

  function removeIndexed(row: Indexed): void {
    statement('index', "INSERT INTO memories_fts (memories_fts, rowid, content) VALUES ('delete', ?, ?)").run(
      row.seq,
      row.content,
    )
    statement('index', 'DELETE FROM mentioned_days WHERE seq = ?').run(row.seq)
    statement('index', 'UPDATE index_state SET rewrites = rewrites + 1, rewritten_seq = ?').run(row.seq)
  }

  return {
    takePending(limit) {
      const rows = statement(
        'index',
        'SELECT seq, content, created_at_ms FROM memories WHERE seq > ? ORDER BY seq LIMIT ?',
      ).all<Indexed>(indexedSeq(), limit)
      const last = rows.at(-1)
      if (last === undefined) return 0
      for (const row of rows) add(row)
      setIndexedSeq(last.seq)
      return rows.length
    },
    remove(row) {
      const upTo = indexedSeq()
      if (row.seq > upTo) return
      removeIndexed(row)
      // SQLite gives the highest number again once its row is gone: the next row must not count as indexed.
      if (row.seq === upTo) {
        statement(
          'index',
          'UPDATE index_state SET indexed_seq = coalesce((SELECT max(seq) FROM memories WHERE seq <= ?), 0)',
        ).run(upTo)
      }
    },
    replace(before, content) {
      if (before.seq > indexedSeq()) return
      removeIndexed(before)
      add({ ...before, content })
    },
  }
}
