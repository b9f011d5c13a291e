import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { BackupError, type BackupFaultCode } from './backup-error.ts'
import { createBackup } from './create-backup.ts'
import { realFileSystem } from './file-system.ts'
import { backedUp, flipBit, freshHome, refusedWith, restoreRequest } from './fixtures/backed-up.ts'
import { liveDigest, MEMORIES, requestFor } from './fixtures/state-home.ts'
import { restoreBackup } from './restore-backup.ts'
import { ownTrust } from './signing.ts'

type Spoil = (backup: string, home: string) => void
const MANIFEST = 'MANIFEST.json'
const DATABASE = 'files/data/memory/sonia.db'

const PAGE_BYTES = 4096

function swap(backup: string, one: string, other: string): void {
  const [a, b] = [join(backup, one), join(backup, other)]
  const bytes = readFileSync(a)
  writeFileSync(a, readFileSync(b))
  writeFileSync(b, bytes)
}

function editManifest(backup: string, edit: (text: string) => string): void {
  const path = join(backup, MANIFEST)
  writeFileSync(path, edit(readFileSync(path, 'utf8')))
}

/** Signed by the right key, so that only what the manifest says can refuse it. */
function resign(backup: string, home: string, edit: (text: string) => string): void {
  editManifest(backup, edit)
  const bytes = readFileSync(join(backup, MANIFEST))
  const made = spawnSync(process.execPath, [
    '-e',
    `
    const { sign, createPrivateKey } = require('node:crypto')
    const { readFileSync } = require('node:fs')
    process.stdout.write(sign(null, readFileSync(process.argv[1]), createPrivateKey(readFileSync(process.argv[2]))).toString('base64'))`,
    join(backup, MANIFEST),
    join(home, 'config/backup.key'),
  ])
  assert.ok(bytes.length > 0)
  writeFileSync(join(backup, 'MANIFEST.sig'), made.stdout)
}

const MATRIX: readonly (readonly [string, BackupFaultCode, Spoil])[] = [
  ['a backup that is not there', 'BACKUP_NOT_FOUND', (backup) => rmSync(backup, { recursive: true })],
  ['no manifest', 'MANIFEST_MISSING', (backup) => rmSync(join(backup, MANIFEST))],
  ['no signature', 'SIGNATURE_MISSING', (backup) => rmSync(join(backup, 'MANIFEST.sig'))],
  [
    'a manifest edited by one word',
    'SIGNATURE_WRONG',
    (backup) => editManifest(backup, (text) => text.replace('manual', 'drill')),
  ],
  [
    'a signature of other bytes',
    'SIGNATURE_WRONG',
    (backup) => writeFileSync(join(backup, 'MANIFEST.sig'), Buffer.alloc(64, 7).toString('base64')),
  ],
  [
    'a signed manifest that is no JSON',
    'MANIFEST_MALFORMED',
    (backup, home) => resign(backup, home, () => '{'),
  ],
  [
    'a signed manifest without a field',
    'MANIFEST_MALFORMED',
    (backup, home) => resign(backup, home, (text) => text.replace('"reason"', '"cause"')),
  ],
  [
    'a signed manifest of a newer format',
    'SCHEMA_NEWER',
    (backup, home) => resign(backup, home, (text) => text.replace('"format": 1', '"format": 2')),
  ],
  [
    'a signed manifest with ../ in a path',
    'PATH_REFUSED',
    (backup, home) => resign(backup, home, (text) => text.replace('config/sonia.json', '../sonia.json')),
  ],
  [
    'a signed manifest with an absolute path',
    'PATH_REFUSED',
    (backup, home) => resign(backup, home, (text) => text.replace('config/sonia.json', '/etc/sonia.json')),
  ],
  ['a missing file', 'FILE_MISSING', (backup) => rmSync(join(backup, DATABASE))],
  ['an extra file', 'FILE_EXTRA', (backup) => writeFileSync(join(backup, 'files/extra'), '')],
  ['an extra file beside the manifest', 'FILE_EXTRA', (backup) => writeFileSync(join(backup, 'extra'), '')],
  ['a truncated file', 'FILE_TRUNCATED', (backup) => truncateSync(join(backup, DATABASE), 4096)],
  ['an appended byte', 'FILE_TRUNCATED', (backup) => appendFileSync(join(backup, DATABASE), 'x')],
  [
    'two policies of one size swapped',
    'FILE_CHANGED',
    (backup) => swap(backup, 'files/config/policies/default.json', 'files/config/policies/second.json'),
  ],
  [
    'two files of other sizes swapped',
    'FILE_TRUNCATED',
    (backup) => swap(backup, 'files/config/sonia.json', DATABASE),
  ],
  [
    'a signed manifest that says one row more',
    'ROWS_DIFFER',
    (backup, home) =>
      resign(backup, home, (text) => text.replace(`"rows": ${MEMORIES}`, `"rows": ${MEMORIES + 1}`)),
  ],
  [
    'a signed manifest that promises a newer memory',
    'ROWS_DIFFER',
    (backup, home) =>
      resign(backup, home, (text) => text.replace(`"last_seq": ${MEMORIES}`, `"last_seq": ${MEMORIES + 1}`)),
  ],
  [
    'a database that was signed when it was broken already',
    'DATABASE_CORRUPT',
    (backup, home) => {
      const path = join(backup, DATABASE)
      const digest = () => createHash('sha256').update(readFileSync(path)).digest('hex')
      const before = digest()
      writeFileSync(path, readFileSync(path).fill(0xaa, 2 * PAGE_BYTES, 3 * PAGE_BYTES))
      resign(backup, home, (text) => text.replace(before, digest()))
    },
  ],
  [
    'a link in place of a file',
    'LINK_REFUSED',
    (backup) => {
      rmSync(join(backup, 'files/config/sonia.json'))
      symlinkSync('/etc/passwd', join(backup, 'files/config/sonia.json'))
    },
  ],
]

for (const [what, code, spoil] of MATRIX) {
  test(`a backup with ${what} is refused as ${code}, and live data stay as they are`, async () => {
    const { home, backup } = await backedUp()
    spoil(backup.path, home)
    const before = liveDigest(home)
    await assert.rejects(restoreBackup(restoreRequest(home, backup.path)), refusedWith(code))
    assert.equal(liveDigest(home), before)
  })
}

test('one flipped bit in any file of a backup is refused, and live data stay as they are', async () => {
  const { home, backup } = await backedUp()
  const before = liveDigest(home)
  const names = readdirSync(backup.path, { recursive: true, withFileTypes: true })
  const paths = names
    .filter((entry) => entry.isFile() && entry.name !== 'VERIFIED.json')
    .map((entry) => join(entry.parentPath, entry.name))
  assert.ok(paths.length >= 8)
  for (const path of paths) {
    const good = readFileSync(path)
    flipBit(path)
    await assert.rejects(restoreBackup(restoreRequest(home, backup.path)), BackupError, path)
    writeFileSync(path, good)
  }
  assert.equal(liveDigest(home), before)
  await restoreBackup(restoreRequest(home, backup.path, { isDryRun: true }))
})

test('the manifest and signature of another backup are refused as replayed', async () => {
  const { home, backup } = await backedUp()
  const other = await createBackup(requestFor(home, { nowMs: () => Date.UTC(2027, 0, 1) }))
  for (const name of [MANIFEST, 'MANIFEST.sig']) cpSync(join(other.path, name), join(backup.path, name))
  const before = liveDigest(home)
  await assert.rejects(restoreBackup(restoreRequest(home, backup.path)), refusedWith('MANIFEST_REPLAYED'))
  assert.equal(liveDigest(home), before)
})

test('a key that is not known, or another one, is refused', async () => {
  const { home, backup } = await backedUp()
  const before = liveDigest(home)
  const nobody = { trust: { keys: [] } }
  await assert.rejects(restoreBackup(restoreRequest(home, backup.path, nobody)), refusedWith('KEY_UNTRUSTED'))
  const stranger = await backedUp()
  const theirs = { trust: ownTrust(join(stranger.home, 'config'), realFileSystem) }
  await assert.rejects(restoreBackup(restoreRequest(home, backup.path, theirs)), refusedWith('KEY_UNTRUSTED'))
  assert.equal(liveDigest(home), before)
})

test('an unfinished backup is refused, and an empty state folder has nothing to back up', async () => {
  const { home, backup } = await backedUp()
  renameSync(backup.path, `${backup.path}.partial`)
  await assert.rejects(
    restoreBackup(restoreRequest(home, `${backup.path}.partial`)),
    refusedWith('BACKUP_PARTIAL'),
  )
  const empty = freshHome()
  for (const folder of ['data', 'config']) rmSync(join(empty, folder), { recursive: true })
  mkdirSync(join(empty, 'config'))
  await assert.rejects(createBackup(requestFor(empty)), refusedWith('NOTHING_TO_BACK_UP'))
})

test('a damaged live database never becomes a backup that counts', async () => {
  const home = freshHome()
  const path = join(home, 'data/memory/sonia.db')
  const database = new Database(path)
  database.exec(
    "DROP TRIGGER memories_added; INSERT INTO memories VALUES (9999, 'mem_9999', 'not indexed', 1)",
  )
  database.close()
  await assert.rejects(createBackup(requestFor(home)), refusedWith('INDEX_BROKEN'))
  const [made] = readdirSync(join(home, 'backups'))
  assert.equal(existsSync(join(home, 'backups', made ?? '', 'VERIFIED.json')), false)
})

test('rows without their parent are refused', async () => {
  const home = freshHome()
  const database = new Database(join(home, 'data/memory/sonia.db'))
  database.exec('PRAGMA foreign_keys = OFF; INSERT INTO notes VALUES (4242, NULL)')
  database.close()
  await assert.rejects(createBackup(requestFor(home)), refusedWith('FOREIGN_KEYS_BROKEN'))
})
