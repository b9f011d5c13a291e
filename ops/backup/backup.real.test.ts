import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
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
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { BACKUP_FAULTS, BackupError, type BackupFaultCode } from './backup-error.ts'
import { createBackup, type MadeBackup } from './create-backup.ts'
import { realFileSystem } from './file-system.ts'
import {
  countedFileSystem,
  liveDigest,
  makeStateHome,
  MEMORIES,
  memoriesIn,
  requestFor,
} from './fixtures/state-home.ts'
import { type RestoreRequest, restoreBackup } from './restore-backup.ts'
import { ownTrust } from './signing.ts'
import { finishPendingSwap } from './swap-journal.ts'

const homes: string[] = []
after(() => {
  for (const home of homes) rmSync(home, { recursive: true, force: true })
})

function freshHome(): string {
  const home = makeStateHome()
  homes.push(home)
  return home
}

async function backedUp(): Promise<{ home: string; backup: MadeBackup }> {
  const home = freshHome()
  return { home, backup: await createBackup(requestFor(home)) }
}

function restoreRequest(
  home: string,
  backup: string,
  overrides: Partial<RestoreRequest> = {},
): RestoreRequest {
  const files = realFileSystem
  const trust = ownTrust(join(home, 'config'), files)
  return { backup, to: home, trust, only: null, isDryRun: false, files, nowMs: () => 1, ...overrides }
}

function refusedWith(code: BackupFaultCode) {
  return (error: unknown) => {
    assert.ok(error instanceof BackupError, String(error))
    assert.equal(error.code, code)
    assert.ok(error.message.includes(BACKUP_FAULTS[code]))
    assert.notEqual(error.hint, '')
    return true
  }
}

type Spoil = (backup: string, home: string) => void
const MANIFEST = 'MANIFEST.json'
const DATABASE = 'files/data/memory/sonia.db'

function flipBit(path: string): void {
  const bytes = readFileSync(path)
  const at = Math.floor(bytes.length / 2)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
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
    'two policies swapped',
    'FILE_CHANGED',
    (backup) => flipBit(join(backup, 'files/config/policies/default.json')),
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
    assert.throws(() => restoreBackup(restoreRequest(home, backup.path)), refusedWith(code))
    assert.equal(liveDigest(home), before)
  })
}

test('one flipped bit in any file of a backup is refused', async () => {
  const { home, backup } = await backedUp()
  const names = readdirSync(backup.path, { recursive: true, withFileTypes: true })
  const paths = names
    .filter((entry) => entry.isFile() && entry.name !== 'VERIFIED.json')
    .map((entry) => join(entry.parentPath, entry.name))
  assert.ok(paths.length >= 8)
  for (const path of paths) {
    const good = readFileSync(path)
    flipBit(path)
    assert.throws(() => restoreBackup(restoreRequest(home, backup.path)), BackupError, path)
    writeFileSync(path, good)
  }
  restoreBackup(restoreRequest(home, backup.path, { isDryRun: true }))
})

test('the manifest and signature of another backup are refused as replayed', async () => {
  const { home, backup } = await backedUp()
  const other = await createBackup(requestFor(home, { nowMs: () => Date.UTC(2027, 0, 1) }))
  for (const name of [MANIFEST, 'MANIFEST.sig']) cpSync(join(other.path, name), join(backup.path, name))
  assert.throws(() => restoreBackup(restoreRequest(home, backup.path)), refusedWith('MANIFEST_REPLAYED'))
})

test('a key that is not known, or another one, is refused', async () => {
  const { home, backup } = await backedUp()
  const nobody = { trust: { keys: [] } }
  assert.throws(() => restoreBackup(restoreRequest(home, backup.path, nobody)), refusedWith('KEY_UNTRUSTED'))
  const stranger = await backedUp()
  const theirs = { trust: ownTrust(join(stranger.home, 'config'), realFileSystem) }
  assert.throws(
    () => restoreBackup(restoreRequest(home, backup.path, theirs)),
    refusedWith('SIGNATURE_WRONG'),
  )
})

test('an unfinished backup is refused, and an empty state folder has nothing to back up', async () => {
  const { home, backup } = await backedUp()
  renameSync(backup.path, `${backup.path}.partial`)
  assert.throws(
    () => restoreBackup(restoreRequest(home, `${backup.path}.partial`)),
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

test('a full disk is refused before anything is written, and the last good backup stays', async () => {
  const { home, backup } = await backedUp()
  const files = { ...realFileSystem, freeBytes: () => 10 }
  await assert.rejects(
    createBackup(requestFor(home, { files, nowMs: () => Date.UTC(2027, 0, 1) })),
    refusedWith('DISK_FULL'),
  )
  assert.throws(() => restoreBackup(restoreRequest(home, backup.path, { files })), refusedWith('DISK_FULL'))
  restoreBackup(restoreRequest(home, backup.path, { isDryRun: true }))
})

test('data that a process holds open is not restored over', async () => {
  const { home, backup } = await backedUp()
  const script =
    'require("node:fs").openSync(process.argv[1]); console.log("open"); setInterval(() => {}, 1e6)'
  const holder = spawn(process.execPath, ['-e', script, join(home, 'data/memory/sonia.db')])
  try {
    await once(holder.stdout, 'data')
    assert.throws(() => restoreBackup(restoreRequest(home, backup.path)), refusedWith('SERVICES_RUNNING'))
  } finally {
    holder.kill('SIGKILL')
    await once(holder, 'exit')
  }
})

test('what was destroyed after the backup comes back: rows, index, sessions, configuration, policies', async () => {
  const { home, backup } = await backedUp()
  const before = liveDigest(home)
  rmSync(join(home, 'data'), { recursive: true })
  writeFileSync(join(home, 'config/sonia.json'), '{"log_level":"DEBUG"}')
  writeFileSync(join(home, 'config/policies/extra.json'), '{}')
  const restored = restoreBackup(restoreRequest(home, backup.path))
  assert.equal(restored.sentinel?.last_seq, MEMORIES)
  assert.deepEqual(memoriesIn(home), { rows: MEMORIES, found: MEMORIES })
  assert.equal(readFileSync(join(home, 'config/sonia.json'), 'utf8'), '{"log_level":"INFO"}')
  assert.equal(existsSync(join(home, 'config/policies/extra.json')), false)
  assert.equal(readFileSync(join(home, 'config/operator.key'), 'utf8'), 'secret')
  assert.equal(existsSync(join(home, 'data/eva-os/restored.json')), true)
  assert.notEqual(liveDigest(home), before, 'the mark for eva-os is new')
  assert.ok(
    restored.safetyFolder !== null && existsSync(join(restored.safetyFolder, 'config/policies/extra.json')),
  )
})

test('a restore of one part leaves the others as they are', async () => {
  const { home, backup } = await backedUp()
  writeFileSync(join(home, 'config/policies/default.json'), '{"rules":["mistake"]}')
  writeFileSync(join(home, 'config/sonia.json'), '{"log_level":"DEBUG"}')
  restoreBackup(restoreRequest(home, backup.path, { only: ['policies'] }))
  assert.equal(readFileSync(join(home, 'config/policies/default.json'), 'utf8'), '{"rules":[]}')
  assert.equal(readFileSync(join(home, 'config/sonia.json'), 'utf8'), '{"log_level":"DEBUG"}')
})

test('a dry run changes nothing at all', async () => {
  const { home, backup } = await backedUp()
  writeFileSync(join(home, 'config/sonia.json'), '{"log_level":"DEBUG"}')
  const names = () => readdirSync(home, { recursive: true }).length
  const before = [liveDigest(home), names()]
  restoreBackup(restoreRequest(home, backup.path, { isDryRun: true }))
  assert.deepEqual([liveDigest(home), names()], before)
})

test('a second folder gets a whole copy that can be restored from', async () => {
  const home = freshHome()
  const secondFolder = join(home, 'other-disk')
  const backup = await createBackup(requestFor(home, { secondFolder }))
  assert.ok(backup.secondPath !== null)
  rmSync(join(home, 'data'), { recursive: true })
  restoreBackup(restoreRequest(home, backup.secondPath))
  assert.equal(memoriesIn(home).rows, MEMORIES)
})

test('a copy that is made while another process writes holds one moment, whole', async () => {
  const home = freshHome()
  const script = `
    const database = new (require('better-sqlite3'))(process.argv[1])
    database.pragma('journal_mode = WAL')
    const insert = database.prepare('INSERT INTO memories VALUES (?, ?, ?, 1)')
    let seq = 100000
    setInterval(() => { seq += 1; insert.run(seq, 'mem_' + seq, 'memory while copying'); if (seq === 100001) console.log('writing') }, 2)`
  const writer = spawn(process.execPath, ['-e', script, join(home, 'data/memory/sonia.db')], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  })
  try {
    await once(writer.stdout, 'data')
    const backup = await createBackup(requestFor(home))
    assert.ok(backup.bytes > 0)
    assert.ok(existsSync(join(backup.path, 'VERIFIED.json')))
  } finally {
    writer.kill('SIGKILL')
    await once(writer, 'exit')
  }
})

test('an I/O error at any call of a backup is a clear error, and the backup does not count', async () => {
  const home = freshHome()
  await createBackup(requestFor(home))
  for (let at = 1; ; at += 1) {
    const files = countedFileSystem(at, () => {
      throw Object.assign(new Error('planted'), { code: 'EIO' })
    })
    const nowMs = () => Date.UTC(2027, 0, 1, 0, 0, at)
    const failure = await createBackup(requestFor(home, { files, nowMs })).catch((error: unknown) => error)
    if (files.calls() < at) break
    assert.ok(failure instanceof BackupError && failure.code === 'IO_ERROR', `call ${at}: ${String(failure)}`)
  }
})

test('an I/O error at any call of a restore leaves the old state, or one that finishes into the new', async () => {
  const { home: original, backup } = await backedUp()
  writeFileSync(join(original, 'config/sonia.json'), '{"log_level":"DEBUG"}')
  const before = liveDigest(original)
  const calls = restoreCalls(original, backup)
  assert.ok(calls > 50)
  for (let at = 1; at <= calls; at += 1) {
    const home = copyOf(original, at)
    const files = countedFileSystem(at, () => {
      throw Object.assign(new Error('planted'), { code: 'EIO' })
    })
    const attempt = () => restoreBackup(restoreRequest(home, join(home, 'backups', backup.id), { files }))
    assert.throws(attempt, refusedWith('IO_ERROR'), `call ${at}`)
    assertOldOrNew(home, before, at)
  }
})

test('a kill at any step of a restore leaves the old state or the new one', async () => {
  const main = fileURLToPath(new URL('./fixtures/killed-restore-main.ts', import.meta.url))
  const { home: original, backup } = await backedUp()
  writeFileSync(join(original, 'config/sonia.json'), '{"log_level":"DEBUG"}')
  const before = liveDigest(original)
  const calls = restoreCalls(original, backup)
  for (let at = 1; at <= calls; at += KILL_STEP) {
    const home = copyOf(original, at)
    const copy = join(home, 'backups', backup.id)
    const { signal } = spawnSync(process.execPath, [main, copy, home, String(at)])
    assert.equal(signal, 'SIGKILL', `step ${at}`)
    assertOldOrNew(home, before, at)
  }
})

/** Every third of the file operations: each costs a process, and neighbours are alike. */
const KILL_STEP = 3

function copyOf(home: string, mark: number): string {
  const copy = `${home}-${mark}`
  rmSync(copy, { recursive: true, force: true })
  cpSync(home, copy, { recursive: true })
  homes.push(copy)
  return copy
}

function restoreCalls(home: string, backup: MadeBackup): number {
  const copy = copyOf(home, 0)
  const files = countedFileSystem(0, () => {})
  restoreBackup(restoreRequest(copy, join(copy, 'backups', backup.id), { files }))
  return files.calls()
}

function assertOldOrNew(home: string, before: string, at: number): void {
  const finished = finishPendingSwap(home, realFileSystem)
  const isOld = liveDigest(home) === before
  assert.ok(isOld || finished !== null || isRestored(home), `step ${at}: neither old nor new`)
  if (!isOld) assert.ok(isRestored(home), `step ${at}: a part of the new state is missing`)
  assert.deepEqual(memoriesIn(home), { rows: MEMORIES, found: MEMORIES })
}

function isRestored(home: string): boolean {
  return readFileSync(join(home, 'config/sonia.json'), 'utf8') === '{"log_level":"INFO"}'
}

test('the manifest holds no secret of the configuration', async () => {
  const { backup } = await backedUp()
  const names = readdirSync(backup.path, { recursive: true })
  assert.equal(
    names.some((name) => String(name).includes('.key')),
    false,
  )
})
