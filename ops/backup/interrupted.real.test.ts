import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createBackup, type MadeBackup } from './create-backup.ts'
import { realFileSystem } from './file-system.ts'
import { backedUp, freshHome, homes, refusedWith, restoreRequest } from './fixtures/backed-up.ts'
import { countedFileSystem, liveDigest, MEMORIES, memoriesIn, requestFor } from './fixtures/state-home.ts'
import { restoreBackup } from './restore-backup.ts'
import { finishPendingSwap, isSwapPending } from './swap-journal.ts'

const MAIN = fileURLToPath(new URL('./fixtures/killed-restore-main.ts', import.meta.url))

test('an I/O error at any call of a restore leaves the old state, or one that finishes into the new', async () => {
  const { home: original, backup } = await backedUp()
  writeFileSync(join(original, 'config/sonia.json'), '{"log_level":"DEBUG"}')
  const before = liveDigest(original)
  const calls = await restoreCalls(original, backup)
  assert.ok(calls > 50)
  for (let at = 1; at <= calls; at += 1) {
    const home = copyOf(original, at)
    const files = countedFileSystem(at, () => {
      throw Object.assign(new Error('planted'), { code: 'EIO' })
    })
    const attempt = () => restoreBackup(restoreRequest(home, join(home, 'backups', backup.id), { files }))
    await assert.rejects(attempt, refusedWith('IO_ERROR'), `call ${at}`)
    assertOldOrNew(home, before, at)
  }
})

test('a kill at any step of a restore leaves the old state or the new one, and what comes next says so', async () => {
  const { home: original, backup } = await backedUp()
  writeFileSync(join(original, 'config/sonia.json'), '{"log_level":"DEBUG"}')
  const before = liveDigest(original)
  const calls = await restoreCalls(original, backup)
  const steps = Array.from({ length: calls }, (_, index) => index + 1)
  for (let from = 0; from < calls; from += AT_ONCE) {
    await Promise.all(steps.slice(from, from + AT_ONCE).map((at) => killAt(at, { original, backup, before })))
  }
})

/** Each step costs a process. */
const AT_ONCE = 4

interface Scene {
  readonly original: string
  readonly backup: MadeBackup
  readonly before: string
}

async function killAt(at: number, { original, backup, before }: Scene): Promise<void> {
  const home = copyOf(original, at)
  const copy = join(home, 'backups', backup.id)
  const child = spawn(process.execPath, [MAIN, copy, home, String(at)], { stdio: 'ignore' })
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', `step ${at}`)
  if (isSwapPending(home, realFileSystem)) {
    const trial = await restoreBackup(restoreRequest(home, copy, { isDryRun: true }))
    assert.equal(trial.isSwapPending, true, `step ${at}`)
    await assert.rejects(createBackup(requestFor(home)), refusedWith('RESTORE_PENDING'), `step ${at}`)
  } else {
    assert.ok(liveDigest(home) === before || isRestored(home), `step ${at}: neither, and nobody says so`)
  }
  assertOldOrNew(home, before, at)
  await restoreBackup(restoreRequest(home, copy))
  assert.deepEqual(leftIn(home), [], `step ${at}`)
  rmSync(home, { recursive: true })
}

const leftIn = (home: string) => readdirSync(home).filter((name) => /^\.restore|journal/.test(name))

test('a restore over an interrupted one of another backup leaves exactly what the second holds', async () => {
  const home = freshHome()
  const extra = join(home, 'config/policies/extra.json')
  const second = await createBackup(requestFor(home))
  writeFileSync(extra, '{}')
  const first = await createBackup(requestFor(home, { nowMs: () => Date.UTC(2026, 0, 3) }))
  rmSync(extra)
  for (let at = 1; !isSwapPending(home, realFileSystem); at += 1) await stopAt(at, home, first)
  assert.equal(existsSync(extra), false, 'it is still in the staging folder')
  await restoreBackup(restoreRequest(home, second.path, { nowMs: () => 2 }))
  assert.equal(existsSync(extra), false)
  assert.deepEqual(memoriesIn(home), { rows: MEMORIES, found: MEMORIES })
})

async function stopAt(at: number, home: string, backup: MadeBackup): Promise<void> {
  const files = countedFileSystem(at, () => {
    throw Object.assign(new Error('planted'), { code: 'EIO' })
  })
  await assert.rejects(restoreBackup(restoreRequest(home, backup.path, { files })), refusedWith('IO_ERROR'))
}

test('what a restore replaced goes once it is old and three newer ones are there, never what the last one replaced', async () => {
  const { home, backup } = await backedUp()
  const week = 8 * 24 * 3_600_000
  const kept: string[] = []
  for (let at = 1; at <= 5; at += 1) {
    const restored = await restoreBackup(restoreRequest(home, backup.path, { nowMs: () => at * week }))
    kept.push(restored.safetyFolder ?? '')
    assert.deepEqual(restored.safetyRemoved, at > 3 ? [kept[at - 4]] : [])
    assert.ok(existsSync(kept[at - 1] ?? ''))
  }
  assert.equal(readdirSync(join(home, 'before-restore')).length, 3)
})

function copyOf(home: string, mark: number): string {
  const copy = `${home}-${mark}`
  rmSync(copy, { recursive: true, force: true })
  cpSync(home, copy, { recursive: true })
  homes.push(copy)
  return copy
}

async function restoreCalls(home: string, backup: MadeBackup): Promise<number> {
  const copy = copyOf(home, 0)
  const files = countedFileSystem(0, () => {})
  await restoreBackup(restoreRequest(copy, join(copy, 'backups', backup.id), { files }))
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
