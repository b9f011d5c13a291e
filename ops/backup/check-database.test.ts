import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import Database from 'better-sqlite3'
import type { BackupFaultCode } from './backup-error.ts'
import { checkDatabase } from './check-database.ts'
import { refusedWith } from './fixtures/backed-up.ts'
import { makeStateHome } from './fixtures/state-home.ts'

const home = makeStateHome()
after(() => rmSync(home, { recursive: true }))
const whole = join(home, 'data/memory/sonia.db')
const IN_THREADS = 0
const IN_THIS_THREAD = Number.MAX_SAFE_INTEGER

const PAGE_BYTES = 4096

const DAMAGES: readonly (readonly [string, BackupFaultCode, (path: string) => void])[] = [
  [
    'a page of other bytes',
    'DATABASE_CORRUPT',
    (path) => {
      const bytes = readFileSync(path)
      writeFileSync(path, bytes.fill(0xaa, 2 * PAGE_BYTES, 3 * PAGE_BYTES))
    },
  ],
  [
    'rows without their parent',
    'FOREIGN_KEYS_BROKEN',
    (path) => change(path, 'PRAGMA foreign_keys = OFF; INSERT INTO notes VALUES (4242, NULL)'),
  ],
  [
    'a row that is not in the index',
    'INDEX_BROKEN',
    (path) => change(path, "UPDATE memories SET content = 'other' WHERE seq = 7"),
  ],
]

function change(path: string, statements: string): void {
  const database = new Database(path)
  database.exec(statements)
  database.close()
}

for (const threadsFromBytes of [IN_THREADS, IN_THIS_THREAD]) {
  const where = threadsFromBytes === IN_THREADS ? 'in threads' : 'in this thread'
  for (const [what, code, spoil] of DAMAGES) {
    test(`${what}: refused as ${code}, looked at ${where}`, async () => {
      const path = join(home, 'spoilt.db')
      copyFileSync(whole, path)
      spoil(path)
      await assert.rejects(
        checkDatabase({ path, on: 'spoilt', bytes: 1, threadsFromBytes }),
        refusedWith(code),
      )
    })
  }

  test(`a file that is no database, or not there, is never whole, looked at ${where}`, async () => {
    const check = (path: string) => checkDatabase({ path, on: 'spoilt', bytes: 1, threadsFromBytes })
    await assert.rejects(check(join(home, 'config/sonia.json')), refusedWith('DATABASE_CORRUPT'))
    await assert.rejects(check(join(home, 'absent.db')), refusedWith('DATABASE_CORRUPT'))
  })

  test(`a whole database is let through, looked at ${where}`, async () => {
    await checkDatabase({ path: whole, on: 'whole', bytes: 1, threadsFromBytes })
  })
}
