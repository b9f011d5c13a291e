import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { failingDisk } from '../../../tests/failing-disk.ts'
import { readHeadFile, writeHeadFile } from '../audit/head-file.ts'
import { keyFiles } from '../keys/key-files.ts'
import { openKeyRing } from '../keys/key-ring.ts'
import { createTestHome, movableClock, startEva, type TestEva, type TestHome } from '../testing.ts'

const root = mkdtempSync(join(tmpdir(), 'sonia-eva-io-'))
after(() => rmSync(root, { recursive: true, force: true }))

const CODES = ['EIO', 'ENOSPC'] as const
const OLD = { seq: 7, sha256: 'a'.repeat(64) }
const NEW = { seq: 8, sha256: 'b'.repeat(64) }

function freshFolder(name: string): string {
  const folder = join(root, name)
  mkdirSync(folder)
  return folder
}

const unfinished = (folder: string) =>
  readdirSync(folder, { recursive: true }).filter((name) => String(name).endsWith('.tmp'))

for (const code of CODES) {
  test(`${code} at any operation of writing the head of the audit: the old or the new one, whole, and an error`, async () => {
    const folder = freshFolder(`head-${code}`)
    for (let at = 1; ; at += 1) {
      writeHeadFile(folder, OLD)
      const disk = await failingDisk({ folder, at, code })
      let failure: unknown = null
      try {
        writeHeadFile(folder, NEW)
      } catch (error) {
        failure = error
      } finally {
        disk.mend()
      }
      if (disk.calls() < at) return assert.ok(at > 5 && failure === null, 'every operation was reached')
      assert.equal((failure as NodeJS.ErrnoException | null)?.code, code, `call ${at}`)
      assert.ok([OLD.seq, NEW.seq].includes((readHeadFile(folder) as typeof OLD).seq), `call ${at}`)
      assert.deepEqual(unfinished(folder), [], `call ${at}`)
    }
  })

  test(`${code} at any operation of making a key: the old key signs on, and no half of a key is left`, async () => {
    for (let at = 1; ; at += 1) {
      const folder = freshFolder(`keys-${code}-${at}`)
      const ring = await ringIn(folder)
      await ring.tick()
      const before = ring.describe()
      const disk = await failingDisk({ folder, at, code })
      const failure = await ring.rotate().then(
        () => null,
        (error: unknown) => error,
      )
      disk.mend()
      if (disk.calls() < at) return assert.ok(at > 5 && failure === null, 'every operation was reached')
      assert.equal((failure as NodeJS.ErrnoException | null)?.code, code, `call ${at}`)
      assert.deepEqual(ring.describe(), before, `call ${at}`)
      assert.deepEqual(unfinished(folder), [], `call ${at}`)
      const kids = (await ringIn(folder)).describe().map(({ kid }) => kid)
      assert.ok(kids.includes(before[0]?.kid ?? ''), `call ${at}: the key that signs is on the disk`)
    }
  })
}

function ringIn(folder: string, remove?: (kid: string) => void) {
  const files = keyFiles(folder, (file, why) => assert.fail(`${file} ${why}`))
  return openKeyRing({
    files: remove === undefined ? files : { ...files, remove },
    times: { rotateAfterMs: 86_400_000, leadMs: 10_000, retireAfterMs: 310_000 },
    nowMs: () => 1_000_000,
    onChange: () => undefined,
  })
}

test('a key that the disk does not give up is worthless all the same, and goes at the next tick', async () => {
  const folder = freshFolder('doomed')
  await (await ringIn(folder)).tick()
  let isBroken = true
  const ring = await ringIn(folder, (kid) => {
    if (isBroken) throw Object.assign(new Error('planted'), { code: 'EIO' })
    rmSync(join(folder, `${kid}.json`))
  })
  const [old] = ring.describe()
  assert.throws(() => ring.dropAll(), { code: 'EIO' })
  assert.equal(ring.holds(old?.kid ?? ''), false)
  assert.deepEqual(ring.describe(), [])
  assert.equal(readdirSync(folder).length, 1)
  await assert.rejects(ring.tick(), { code: 'EIO' })
  isBroken = false
  await ring.tick()
  assert.equal(ring.holds(old?.kid ?? ''), false)
  assert.deepEqual(readdirSync(folder), [`${ring.describe()[0]?.kid}.json`])
})

test('a damaged head of the audit is told as a loss, not taken for a beginning', async () => {
  const testHome = createTestHome()
  const data = join(testHome.home, 'data', 'eva-os')
  try {
    await started(testHome, async () => undefined)
    writeFileSync(join(data, 'audit-head.json'), '{"seq":')
    await started(testHome, async (eva) => {
      const { body } = await eva.ask('/status')
      assert.match(JSON.stringify(body), /how far the audit went is damaged/)
    })
  } finally {
    testHome.remove()
  }
})

test('EIO at any operation of a start: it is refused, or it is whole, and the next start is', async () => {
  const testHome = createTestHome()
  const data = join(testHome.home, 'data', 'eva-os')
  try {
    await started(testHome, async () => undefined)
    const head = readFileSync(join(data, 'audit-head.json'), 'utf8')
    for (let at = 1; ; at += 1) {
      const disk = await failingDisk({ folder: data, at, code: 'EIO' })
      const said = await started(testHome, async () => disk.mend()).then(() => null, String)
      disk.mend()
      if (disk.calls() < at) return assert.ok(at > 5, 'every operation was reached')
      assert.ok(said === null || /EIO/.test(said), `call ${at}: ${said ?? ''}`)
      assert.deepEqual(unfinished(data), [], `call ${at}`)
      await started(testHome, async (eva) => {
        const { audit } = (await eva.ask('/status')).body as unknown as {
          audit: { entries: number; loss: string | null }
        }
        assert.equal(audit.loss, null, `call ${at}`)
        assert.ok(audit.entries >= (JSON.parse(head) as { seq: number }).seq)
      })
    }
  } finally {
    testHome.remove()
  }
})

async function started(testHome: TestHome, work: (eva: TestEva) => Promise<void> | void): Promise<void> {
  const eva = await startEva({ testHome, clock: movableClock() })
  try {
    await work(eva)
  } finally {
    await eva.stop()
  }
}
