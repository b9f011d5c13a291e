import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BackupError } from './backup-error.ts'
import { createBackup } from './create-backup.ts'
import { realFileSystem } from './file-system.ts'
import { backedUp, freshHome, homes, refusedWith, restoreRequest } from './fixtures/backed-up.ts'
import { countedFileSystem, liveDigest, MEMORIES, memoriesIn, requestFor } from './fixtures/state-home.ts'
import { restoreBackup } from './restore-backup.ts'

test('a full disk is refused before anything is written, and the last good backup stays', async () => {
  const { home, backup } = await backedUp()
  const files = { ...realFileSystem, freeBytes: () => 10 }
  await assert.rejects(
    createBackup(requestFor(home, { files, nowMs: () => Date.UTC(2027, 0, 1) })),
    refusedWith('DISK_FULL'),
  )
  await assert.rejects(restoreBackup(restoreRequest(home, backup.path, { files })), refusedWith('DISK_FULL'))
  const tooSmall = restoreRequest(home, backup.path, { files, isDryRun: true, to: join(home, 'not/yet') })
  await assert.rejects(restoreBackup(tooSmall), refusedWith('DISK_FULL'))
  assert.equal(existsSync(join(home, 'not')), false)
  await restoreBackup(restoreRequest(home, backup.path, { isDryRun: true }))
})

test('data that a process holds open, by whatever link, is not restored over, but a dry run checks beside it', async () => {
  const { home, backup } = await backedUp()
  const link = `${home}-link`
  symlinkSync(home, link)
  homes.push(link)
  const script =
    'require("node:fs").openSync(process.argv[1]); console.log("open"); setInterval(() => {}, 1e6)'
  const holder = spawn(process.execPath, ['-e', script, join(home, 'data/memory/sonia.db')])
  try {
    await once(holder.stdout, 'data')
    for (const to of [home, link]) {
      const request = restoreRequest(home, backup.path, { to })
      await assert.rejects(restoreBackup(request), refusedWith('SERVICES_RUNNING'))
      const before = [liveDigest(home), readdirSync(home, { recursive: true }).length]
      const { heldBy, safetyFolder } = await restoreBackup({ ...request, isDryRun: true })
      assert.deepEqual([heldBy, safetyFolder], [[holder.pid], null])
      assert.deepEqual([liveDigest(home), readdirSync(home, { recursive: true }).length], before)
    }
    truncateSync(join(backup.path, 'files/data/memory/sonia.db'), 4096)
    const damaged = restoreRequest(home, backup.path, { isDryRun: true })
    await assert.rejects(restoreBackup(damaged), refusedWith('FILE_TRUNCATED'))
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
  const restored = await restoreBackup(restoreRequest(home, backup.path))
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
  await restoreBackup(restoreRequest(home, backup.path, { only: ['policies'] }))
  assert.equal(readFileSync(join(home, 'config/policies/default.json'), 'utf8'), '{"rules":[]}')
  assert.equal(readFileSync(join(home, 'config/sonia.json'), 'utf8'), '{"log_level":"DEBUG"}')
})

test('a dry run changes nothing at all', async () => {
  const { home, backup } = await backedUp()
  writeFileSync(join(home, 'config/sonia.json'), '{"log_level":"DEBUG"}')
  const names = () => readdirSync(home, { recursive: true }).length
  const before = [liveDigest(home), names()]
  await restoreBackup(restoreRequest(home, backup.path, { isDryRun: true }))
  assert.deepEqual([liveDigest(home), names()], before)
})

test('a second folder gets a whole copy that can be restored from', async () => {
  const home = freshHome()
  const secondFolder = join(home, 'other-disk')
  const backup = await createBackup(requestFor(home, { secondFolder }))
  assert.ok(backup.secondPath !== null)
  rmSync(join(home, 'data'), { recursive: true })
  await restoreBackup(restoreRequest(home, backup.secondPath))
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
    assert.equal(existsSync(join(backup.path, '.scratch')), false)
    for (const [at, method] of (['copyBitByBit', 'removeBitByBit'] as const).entries()) {
      const fail = () => {
        throw Object.assign(new Error('planted'), { code: 'EIO' })
      }
      const files = { ...realFileSystem, [method]: fail }
      const nowMs = () => Date.UTC(2027, 0, 1, 0, 0, at)
      await assert.rejects(createBackup(requestFor(home, { files, nowMs })), refusedWith('IO_ERROR'))
    }
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

test('the manifest holds no secret of the configuration', async () => {
  const { backup } = await backedUp()
  const names = readdirSync(backup.path, { recursive: true })
  assert.equal(
    names.some((name) => String(name).includes('.key')),
    false,
  )
})
