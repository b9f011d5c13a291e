import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { failingDisk } from '../../tests/failing-disk.ts'
import { BackupError } from './backup-error.ts'
import { createBackup } from './create-backup.ts'
import { realFileSystem } from './file-system.ts'
import { backedUp, freshHome, homes, refusedWith } from './fixtures/backed-up.ts'
import { beginBackup } from './fixtures/begin-backup.ts'
import { requestFor } from './fixtures/state-home.ts'
import { backupIds, VERIFIED_NAME } from './folders.ts'
import { isAbandoned, thisProcess, unfinishedName } from './unfinished.ts'

const NOW = Date.UTC(2026, 0, 2)
const DAY_MS = 24 * 3_600_000

const partials = (folder: string) => readdirSync(folder).filter((name) => name.includes('.partial'))

for (const code of ['ENOSPC', 'EIO'] as const) {
  test(`a disk that fails with ${code} at any operation of a backup leaves nothing unfinished, and no good one goes`, async () => {
    const { home, backup } = await backedUp()
    const folder = join(home, 'backups')
    const retention = { hourly: 1, daily: 0, weekly: 0 }
    const expected = code === 'ENOSPC' ? 'DISK_FULL' : 'IO_ERROR'
    for (let at = 1; ; at += 1) {
      const disk = await failingDisk({ folder, at, code })
      const request = requestFor(home, { retention, nowMs: () => Date.UTC(2026, 0, 3, 2 * at) })
      const failure = await createBackup(request)
        .catch((error: unknown) => error)
        .finally(() => disk.mend())
      if (disk.calls() < at) break
      assert.ok(failure instanceof BackupError && failure.code === expected, `${at}: ${String(failure)}`)
      assert.deepEqual(partials(folder), [], `operation ${at}`)
      const others = backupIds(folder, realFileSystem).filter((id) => id !== backup.id)
      assert.ok(existsSync(join(backup.path, VERIFIED_NAME)), `operation ${at}`)
      for (const id of others) rmSync(join(folder, id), { recursive: true })
    }
  })
}

test('what a killed process left unfinished the next backup removes, in both folders, and never that of a living one', async () => {
  const home = freshHome()
  const folder = join(home, 'backups')
  const secondFolder = `${home}-second`
  homes.push(secondFolder)
  const begun = [await beginBackup(home), await beginBackup(home, secondFolder)]
  try {
    const living = [partials(folder), partials(secondFolder)]
    assert.deepEqual(
      living.map(({ length }) => length),
      [1, 1],
    )
    await createBackup(requestFor(home, { secondFolder }))
    assert.deepEqual([partials(folder), partials(secondFolder)], living)
  } finally {
    await Promise.all(begun.map((one) => one.kill()))
  }
  await createBackup(requestFor(home, { secondFolder, nowMs: () => Date.UTC(2026, 0, 3) }))
  assert.deepEqual([partials(folder), partials(secondFolder)], [[], []])
})

test('whether something is abandoned is told by process, boot and place; what cannot be seen is given a day', () => {
  const here = thisProcess()
  const name = (made: Partial<typeof here>) => unfinishedName('x', NOW, { ...here, ...made })
  const away = { place: '00000000' }
  const cases: readonly (readonly [string, number, boolean])[] = [
    [name({}), NOW + 1000 * DAY_MS, false],
    [name({ startTicks: here.startTicks + 1 }), NOW, true],
    [name({ pid: 4_194_305 }), NOW, true],
    [name({ boot: '00000000' }), NOW, true],
    [name({ ...away, boot: '00000000' }), NOW, false],
    [name(away), NOW + DAY_MS, false],
    [name(away), NOW + DAY_MS + 1000, true],
    [name(away), NOW - 1000 * DAY_MS, false],
    ['20260102T000000Z-0a0b0c0d.partial', NOW + DAY_MS, false],
    ['20260102T000000Z-0a0b0c0d.partial', NOW + DAY_MS + 1000, true],
    ['20260102T000000Z-0a0b0c0d', NOW + 1000 * DAY_MS, false],
    ['mine.partial', NOW + 1000 * DAY_MS, false],
  ]
  for (const [given, nowMs, expected] of cases) {
    assert.equal(isAbandoned(given, nowMs), expected, `${given} at ${nowMs}`)
  }
})

test('a link to a folder of backups is followed: made, listed, cleaned there; one that leads nowhere is refused', async () => {
  const home = freshHome()
  const [real, link, nowhere] = [`${home}-real`, `${home}-link`, `${home}-nowhere`]
  homes.push(real, link, nowhere)
  mkdirSync(real)
  symlinkSync(real, link)
  symlinkSync(join(home, 'unmounted'), nowhere)
  const retention = { hourly: 1, daily: 0, weekly: 0 }
  const [first, second] = [Date.UTC(2026, 0, 2), Date.UTC(2026, 0, 3)]
  const one = await createBackup(requestFor(home, { to: link, nowMs: () => first }))
  const other = await createBackup(requestFor(home, { to: link, retention, nowMs: () => second }))
  assert.deepEqual(other.removed, [one.id])
  assert.deepEqual(backupIds(link, realFileSystem), [other.id])
  assert.deepEqual(readdirSync(real), [other.id])
  for (const to of [{ to: nowhere }, { secondFolder: nowhere }]) {
    await assert.rejects(createBackup(requestFor(home, to)), refusedWith('IO_ERROR'))
  }
  assert.deepEqual(readdirSync(home).includes('unmounted'), false)
  assert.deepEqual(backupIds(nowhere, realFileSystem), [])
  rmSync(nowhere)
})
