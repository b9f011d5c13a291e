import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { realFileSystem } from './file-system.ts'
import { findBackup } from './find-backup.ts'
import { backupId, VERIFIED_NAME } from './folders.ts'
import { applyRetention } from './retention.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

const HOUR_MS = 3_600_000
const NOW = Date.UTC(2026, 5, 1)
const KEEP_LITTLE = { hourly: 3, daily: 1, weekly: 1 }

function idAt(ms: number): string {
  return backupId(ms, Buffer.from([1, 2, 3, 4]))
}

/** A folder of verified backups made at these times. */
function folderOf(times: readonly number[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'sonia-clock-'))
  folders.push(folder)
  for (const at of times) {
    mkdirSync(join(folder, idAt(at)))
    writeFileSync(join(folder, idAt(at), VERIFIED_NAME), '{}')
  }
  return folder
}

const hours = (count: number, from: number) => Array.from({ length: count }, (_, n) => from + n * HOUR_MS)

test('after the clock was set back, neither the backup just made nor any other is removed', () => {
  const made = NOW - 1000 * HOUR_MS
  const folder = folderOf([...hours(10, NOW), made])
  assert.deepEqual(applyRetention(KEEP_LITTLE, { folder, files: realFileSystem, made: idAt(made) }), [])
  assert.equal(readdirSync(folder).length, 11)
})

test('with an honest clock the same rule removes the older ones', () => {
  const folder = folderOf(hours(10, NOW))
  const made = idAt(NOW + 9 * HOUR_MS)
  const gone = applyRetention(KEEP_LITTLE, { folder, files: realFileSystem, made })
  assert.deepEqual([gone.length, readdirSync(folder).length, gone.includes(made)], [7, 3, false])
})

test('`latest` is the newest of an honest clock, not one from a clock that was ahead', () => {
  const folder = folderOf([NOW - HOUR_MS, NOW, NOW + 10_000 * HOUR_MS])
  const at = (nowMs: number) => findBackup('latest', { folder, files: realFileSystem, nowMs })
  assert.equal(at(NOW), join(folder, idAt(NOW)))
  assert.equal(at(NOW - 10 * HOUR_MS), join(folder, idAt(NOW + 10_000 * HOUR_MS)), 'better than none')
})
