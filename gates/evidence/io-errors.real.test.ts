import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Fault, failingDisk } from '../../tests/failing-disk.ts'
import { checkFiles } from './check-files.ts'
import { addSealedFile, stageFolder } from './staged-folder.ts'
import { filesOf, makeBundle, makeRecording, type Recording } from './testing.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sonia-io-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const CONTENT = Buffer.alloc(9000, 'evidence ')
const CODES = ['EIO', 'ENOSPC'] as const

/** Runs the work with one failing operation; the error it ended with, or null where there were fewer operations. */
async function failed(fault: Fault, work: () => Promise<unknown>): Promise<unknown> {
  const disk = await failingDisk(fault)
  const error = await work().then(
    () => null,
    (one: unknown) => one,
  )
  disk.mend()
  assert.equal(error === null, disk.calls() < fault.at, `call ${fault.at}: an error was swallowed`)
  return error
}

async function publish(target: string): Promise<void> {
  const staged = await stageFolder(target)
  try {
    await staged.write('a', CONTENT)
    await staged.write('deep/b', CONTENT)
    await staged.copy(import.meta.filename, 'deep/c')
    await staged.publish()
  } catch (error) {
    await staged.discard()
    throw error
  }
}

for (const code of CODES) {
  test(`${code} at any operation of publishing evidence: it is there whole, or not at all, and says so`, async () => {
    for (let at = 1; ; at += 1) {
      const root = join(folder, `${code}-${at}`)
      const error = await failed({ folder: root, at, code }, () => publish(join(root, 'bundle')))
      if (error === null) return assert.ok(at > 15, 'every operation was reached')
      assert.equal((error as NodeJS.ErrnoException).code, code)
      const names = await readdir(root).catch(() => [])
      assert.ok(
        names.every((name) => name === 'bundle'),
        `call ${at} left ${names.join(' ')}`,
      )
      if (names.length > 0) await assertWhole(join(root, 'bundle'))
    }
  })

  test(`${code} at any operation of adding a sealed file: what was sealed before stays as it was`, async () => {
    for (let at = 1; ; at += 1) {
      const root = join(folder, `${code}-sealed-${at}`)
      await publish(join(root, 'bundle'))
      const path = join(root, 'bundle', 'attestations', 'mine.json')
      const error = await failed({ folder: root, at, code }, () => addSealedFile(path, CONTENT))
      if (error === null) return assert.ok(at > 4, 'every operation was reached')
      assert.equal((error as NodeJS.ErrnoException).code, code)
      await assertWhole(join(root, 'bundle'))
    }
  })
}

async function assertWhole(bundle: string): Promise<void> {
  for (const name of ['a', 'deep/b']) {
    assert.deepEqual(await readFile(join(bundle, name)), CONTENT)
    assert.equal((await stat(join(bundle, name))).mode & 0o777, 0o444)
  }
}

/** Each costs a whole bundle; neighbouring operations are alike. */
const BUNDLE_STEP = 29

test('EIO anywhere in a whole bundle leaves no bundle, or one that verifies, and never harms the one before', async () => {
  const recording: Recording = await makeRecording(folder)
  const artifactsFolder = join(folder, 'artifacts')
  const kept = await makeBundle(recording, { runId: 'kept', artifactsFolder })
  for (let at = 1; ; at += BUNDLE_STEP) {
    const runId = `run-${at}`
    const error = await failed({ folder: artifactsFolder, at, code: 'EIO' }, () =>
      makeBundle(recording, { runId, artifactsFolder }),
    )
    assert.ok((await filesOf(kept.path)).length > 10)
    assert.deepEqual((await checkFiles(kept.path)).findings, [])
    if (error === null) return assert.ok(at > 50, 'every part was reached')
    const names = (await readdir(artifactsFolder)).filter((name) => name.startsWith(runId))
    assert.ok(
      names.every((name) => name === runId),
      names.join(' '),
    )
    for (const name of names) assert.deepEqual((await checkFiles(join(artifactsFolder, name))).findings, [])
  }
})
