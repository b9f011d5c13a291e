import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { REPO } from '../fixtures/test-host.ts'
import { BACKUP_FAULTS } from './backup-error.ts'
import { createBackup } from './create-backup.ts'
import { realFileSystem } from './file-system.ts'
import { backedUp, freshHome, homes, refusedWith, restoreRequest } from './fixtures/backed-up.ts'
import { liveDigest, requestFor } from './fixtures/state-home.ts'
import { restoreBackup } from './restore-backup.ts'

test('a configuration that changes whenever it is copied is refused as CONFIG_CHANGED, and nothing counts', async () => {
  const home = freshHome()
  const files = {
    ...realFileSystem,
    copy: (from: string, to: string) => {
      realFileSystem.copy(from, to)
      if (from === join(home, 'config/sonia.json')) appendFileSync(from, ' ')
    },
  }
  await assert.rejects(createBackup(requestFor(home, { files })), refusedWith('CONFIG_CHANGED'))
  assert.deepEqual(readdirSync(join(home, 'backups')), [])
})

for (const path of ['data', 'data/memory', 'data/memory/sonia.db']) {
  test(`a state whose ${path} is a link is refused as STATE_LINKED: a backup without it would count`, async () => {
    const home = freshHome()
    const away = `${home}-away`
    homes.push(away)
    renameSync(join(home, path), away)
    symlinkSync(away, join(home, path))
    await assert.rejects(createBackup(requestFor(home)), refusedWith('STATE_LINKED'))
    assert.equal(existsSync(join(home, 'backups')), false)
  })
}

for (const journal of ['{"backup_id":', '{}']) {
  test(`a restore over an interrupted one whose journal is ${journal} is refused as RESTORE_PENDING`, async () => {
    const { home, backup } = await backedUp()
    writeFileSync(join(home, 'restore-journal.json'), journal)
    const before = liveDigest(home)
    await assert.rejects(restoreBackup(restoreRequest(home, backup.path)), refusedWith('RESTORE_PENDING'))
    assert.equal(liveDigest(home), before)
    assert.ok(existsSync(join(home, 'restore-journal.json')))
  })
}

test('the command line ends with 65 and the sentence of the fault, and live data stay as they are', async () => {
  const { home, backup } = await backedUp()
  truncateSync(join(backup.path, 'files/data/memory/sonia.db'), 4096)
  const before = liveDigest(home)
  for (const more of [[], ['--dry-run'], ['--only', 'policies']]) {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(REPO, 'gates/main.ts'), 'restore', backup.id, ...more],
      { env: { PATH: env['PATH'] ?? '', SONIA_HOME: home, NO_COLOR: '1' }, encoding: 'utf8' },
    )
    assert.equal(status, 65, stderr)
    assert.ok(stderr.includes(`FILE_TRUNCATED: ${BACKUP_FAULTS.FILE_TRUNCATED}`), stderr)
    assert.equal(liveDigest(home), before)
  }
})

test('a copy that is whole but lacks rows of its source is refused, and nothing counts', async (t) => {
  const home = freshHome()
  const path = join(home, 'data/memory/sonia.db')
  const older = join(home, 'older.db')
  copyFileSync(path, older)
  const eva = join(home, 'data/eva-os/eva-os.db')
  const database = new Database(path)
  database.exec("INSERT INTO memories VALUES (9999, 'mem_9999', 'after the copy', 1)")
  database.close()
  t.mock.method(Database.prototype, 'backup', async function (this: Database.Database, to: string) {
    copyFileSync(this.name === path ? older : eva, to)
  })
  await assert.rejects(createBackup(requestFor(home)), (error: unknown) => {
    refusedWith('ROWS_DIFFER')(error)
    return /memories has 201 rows, its copy 200/.test(String(error))
  })
})
