import { join } from 'node:path'
import Database from 'better-sqlite3'

/** What can be wrong with the database of memory-engine while it runs. */
export type DatabaseFault = 'locked' | 'table-gone'

const TIMEOUT_MS = 5_000
const TABLE = 'memories'

/** Causes the fault as another program would that has the file open, and mends it afterwards. */
export async function withDatabaseFault<T>(
  fault: DatabaseFault,
  home: string,
  act: () => Promise<T>,
): Promise<T> {
  const file = join(home, 'data', 'memory', 'sonia.db')
  const database = new Database(file, { fileMustExist: true, timeout: TIMEOUT_MS })
  try {
    // Views and triggers keep the old name: only the table is away.
    database.pragma('legacy_alter_table = ON')
    database.exec(fault === 'locked' ? 'BEGIN IMMEDIATE' : renaming(TABLE, `${TABLE}_away`))
    try {
      return await act()
    } finally {
      database.exec(fault === 'locked' ? 'ROLLBACK' : renaming(`${TABLE}_away`, TABLE))
    }
  } finally {
    database.close()
  }
}

const renaming = (from: string, to: string) => `ALTER TABLE ${from} RENAME TO ${to}`
