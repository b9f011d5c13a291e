import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { failingDisk } from '../../../tests/failing-disk.ts'
import { openAuditLog } from './audit-log.ts'
import { verifyAuditLog } from './verify-audit.ts'

const home = mkdtempSync(join(tmpdir(), 'sonia-audit-io-'))
after(() => rmSync(home, { recursive: true }))

const LINES = 12
/** So small that the log goes on in a new file every few lines. */
const BYTES_MAX = 700

/** Ids whose writing was acknowledged; one append after the other, so that each has operations of its own. */
async function acknowledged(path: string): Promise<readonly string[]> {
  const ids: string[] = []
  const log = await openAuditLog({ path, nowMs: () => 0, bytesMax: BYTES_MAX, closedMax: 50 })
  for (let id = 1; id <= LINES; id += 1) {
    const entry = { phase: 'before', execution_id: `exe_${id}` } as const
    await log.append(entry).then(
      () => ids.push(entry.execution_id),
      () => undefined,
    )
  }
  await log.close()
  return ids
}

for (const code of ['EIO', 'ENOSPC'] as const) {
  test(`${code} at any operation of the execution log loses no line that was acknowledged, and the chain holds`, async () => {
    for (let at = 1; ; at += 1) {
      const folder = join(home, `${code}-${at}`)
      mkdirSync(folder)
      const path = join(folder, 'execution.log')
      const disk = await failingDisk({ folder, at, code })
      const ids = await acknowledged(path).catch(() => [])
      disk.mend()
      if (disk.calls() < at) return assert.ok(at > 2 * LINES && ids.length === LINES)
      const reopened = await openAuditLog({ path, nowMs: () => 0, bytesMax: BYTES_MAX, closedMax: 50 })
      await reopened.append({ phase: 'after', execution_id: 'exe_last' })
      await reopened.close()
      const { problem } = await verifyAuditLog(path, 50)
      assert.equal(problem, null, `call ${at}`)
      const text = readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .join('')
      for (const id of ids)
        assert.ok(text.includes(`"${id}"`), `call ${at}: ${id} was acknowledged and is gone`)
    }
  })
}
