import type Database from 'better-sqlite3'
import { type DatabaseSettings, openForReading } from '../database/open-database.ts'
import { asServiceError, needsReopening } from '../database/sqlite-failure.ts'
import { createStatements } from '../database/statements.ts'
import { createTimingLog } from '../database/timings.ts'
import { failed, succeeded } from '../threads/outcome.ts'
import { ConversationLinks } from '../search/conversation-links.ts'
import { DocumentLengths } from '../search/document-lengths.ts'
import { ScoreBoard } from '../search/score-board.ts'
import { followChanges, search, type SearchTools } from '../search/search.ts'
import type { SearchWeights } from '../search/search-weights.ts'
import { createStemmer } from '../search/stemmer.ts'
import { SignatureIndex } from '../vectors/signature-index.ts'
import { applyRead } from './apply-read.ts'
import type { ReadOperation, ReadReply, ScoredRow, SearchRequest } from './read-job.ts'

/** One reading connection; opened with the first read, opened again after a failure. Lives as long as its thread. */
export class Reader {
  readonly #settings: DatabaseSettings
  readonly #timings = createTimingLog(performance.timeOrigin)
  #open: { readonly db: Database.Database; readonly tools: SearchTools } | undefined

  constructor(settings: DatabaseSettings) {
    this.#settings = settings
  }

  read(operation: ReadOperation): ReadReply {
    try {
      const value = this.#inSnapshot((tools) => applyRead(operation, tools))
      return { outcome: succeeded(value), timings: this.#timings.take() }
    } catch (error) {
      const failure = asServiceError(error)
      if (needsReopening(failure)) this.close()
      return { outcome: failed(failure), timings: this.#timings.take() }
    }
  }

  /** A search with other weights than the service's own: for benches that show what each is worth. */
  search(request: SearchRequest, weights: SearchWeights): readonly ScoredRow[] {
    return this.#inSnapshot((tools) => search(request, tools, weights))
  }

  /** Loads what makes the next search fast; false when there is no more of it. */
  prepare(): boolean {
    if (this.#open === undefined) return false
    try {
      return this.#inSnapshot((tools) => {
        const collection = followChanges(tools)
        const { statement, lengths, links } = tools
        return lengths.loadSome(statement) || links.loadSome(collection, statement)
      })
    } catch {
      // The next read meets the same trouble and reports it to somebody who waits.
      return false
    }
  }

  close(): void {
    this.#open?.db.close()
    this.#open = undefined
  }

  #inSnapshot<T>(work: (tools: SearchTools) => T): T {
    const { db, tools } = this.#ensureOpen()
    const { statement } = tools
    statement('begin', 'BEGIN').run()
    try {
      return work(tools)
    } finally {
      // A snapshot that stayed open would keep the log from being cut.
      if (db.inTransaction) statement('commit', 'COMMIT').run()
    }
  }

  #ensureOpen() {
    if (this.#open === undefined) {
      const db = openForReading(this.#settings)
      const statement = createStatements(db, this.#timings)
      this.#open = {
        db,
        tools: {
          statement,
          lengths: new DocumentLengths(),
          links: new ConversationLinks(),
          scores: new ScoreBoard(),
          stemText: createStemmer(),
          signatures: new SignatureIndex(),
        },
      }
    }
    return this.#open
  }
}
