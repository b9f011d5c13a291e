import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { failingDisk } from '../tests/failing-disk.ts'
import { writeWhole } from './write-whole.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonia-whole-'))
after(() => rmSync(folder, { recursive: true }))

for (const code of ['EIO', 'ENOSPC'] as const) {
  test(`${code} at any operation of writing a file whole leaves the old one, and nothing beside it`, async () => {
    const path = join(folder, code)
    writeWhole(path, 'old', 0o600)
    for (let at = 1; ; at += 1) {
      const disk = await failingDisk({ folder, at, code })
      let error: unknown = null
      try {
        writeWhole(path, 'new', 0o600)
      } catch (thrown) {
        error = thrown
      } finally {
        disk.mend()
      }
      if (disk.calls() < at) return assert.ok(at > 4 && error === null)
      assert.equal((error as NodeJS.ErrnoException | null)?.code, code)
      assert.equal(readFileSync(path, 'utf8'), 'old')
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.endsWith('.tmp')),
        [],
      )
    }
  })
}
