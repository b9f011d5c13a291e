import assert from 'node:assert/strict'
import fsp from 'node:fs/promises'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '#chassis/testing.ts'
import { failingDisk } from '../../../tests/failing-disk.ts'
import { connected, metric, startSession, type Voice, voice } from '../testing.ts'
import { createSessionFiles } from './session-files.ts'

type Operation = (...args: unknown[]) => Promise<unknown>

const REFUSED_BY = {
  EROFS: ['mkdir', 'writeFile', 'rename', 'rm'],
  // A full disk still removes; of a file that does not fit, its beginning is there.
  ENOSPC: ['writeFile'],
} as const

/** From now on, until mended, a disk that is full or was remounted read-only, below a folder. */
function brokenDisk(folder: string, code: keyof typeof REFUSED_BY) {
  const operations = fsp as unknown as Record<string, Operation>
  const real = { ...operations }
  for (const name of REFUSED_BY[code]) {
    operations[name] = async (path, ...rest) => {
      if (typeof path !== 'string' || !path.startsWith(folder)) return real[name]?.(path, ...rest)
      // As the kernel has it: what is not there cannot be removed, read-only or not.
      if (name === 'rm' && !(await exists(path))) return undefined
      if (code === 'ENOSPC') await real['writeFile']?.(path, '{"session_id"')
      throw Object.assign(new Error(`${code}: planted in ${name}`), { code })
    }
  }
  syncBuiltinESMExports()
  return () => {
    for (const name of REFUSED_BY[code]) operations[name] = real[name] as Operation
    syncBuiltinESMExports()
  }
}

const exists = (path: string) =>
  fsp.stat(path).then(
    () => true,
    () => false,
  )

const folderOf = ({ home }: Voice) => join(home, 'data', 'sessions')

async function healthOf({ app }: Voice): Promise<string> {
  return (await app.inject({ url: '/healthz' })).json<{ status: string }>().status
}

async function post({ app }: Voice, url: string, payload: object) {
  const { statusCode, body } = await app.inject({ method: 'POST', url, payload })
  const { data, error, warning } = JSON.parse(body) as Record<
    string,
    Record<string, string> | null | undefined
  >
  return { statusCode, data, code: error?.['code'], warning: warning?.['code'] }
}

for (const code of ['EROFS', 'ENOSPC'] as const) {
  test(`${code}: no session is opened, those that are open go on and end, and all is well once the disk is`, async () => {
    const started = await voice()
    const { client, id } = await connected(started)
    const other = await connected(started)
    const mend = brokenDisk(folderOf(started), code)
    try {
      const refused = await post(started, '/session/start', {})
      assert.deepEqual([refused.statusCode, refused.code], [503, 'UNAVAILABLE'])
      assert.equal(await healthOf(started), 'DEGRADED')
      assert.deepEqual(
        (await readdir(folderOf(started))).toSorted(),
        [`${id}.json`, `${other.id}.json`].toSorted(),
      )
      client.send('MESSAGE', { text: 'still there' })
      assert.equal((await client.next('MESSAGE')).data['text'], 'still there')
      const stopped = await post(started, '/session/stop', { session_id: id })
      assert.deepEqual([stopped.statusCode, stopped.data?.['state']], [200, 'CLOSED'])
      assert.equal(stopped.warning, code === 'EROFS' ? 'DEGRADED' : undefined)
      assert.equal(await client.closed, 1000)
    } finally {
      mend()
    }
    await eventually(async () => (await healthOf(started)) === 'OK')
    assert.deepEqual(await readdir(folderOf(started)), [`${other.id}.json`])
    await startSession(started)
    other.client.send('MESSAGE', { text: 'and I' })
    assert.equal((await other.client.next('MESSAGE')).data['text'], 'and I')
    const created = Number(await metric(started, 'sonia_voice_sessions_created_total'))
    assert.deepEqual([created, await metric(started, 'sonia_voice_sessions_active')], [4, '2'])
  })
}

test('ENOSPC at any operation of writing a session down: an error, and nothing of it is left', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sonia-state-folder-'))
  const file = { session_id: '0'.repeat(36), user_id: null, owner: null, metadata: {}, created_at_ms: 0 }
  const files = createSessionFiles(folder, assert.ifError)
  for (let at = 1; ; at += 1) {
    const disk = await failingDisk({ folder, at, code: 'ENOSPC' })
    const failure = await files.write(file).catch((error: NodeJS.ErrnoException) => error.code)
    disk.mend()
    if (disk.calls() < at) {
      assert.ok(at > 3 && failure === undefined, 'every operation was reached')
      break
    }
    assert.equal(failure, 'ENOSPC', `call ${at}`)
    assert.deepEqual(await readdir(folder), [], `call ${at}`)
  }
  await rm(folder, { recursive: true })
})

test('a read-only disk, or a file that cannot be read, prevents no start and loses no session', async () => {
  const home = await mkdtemp(join(tmpdir(), 'sonia-state-folder-'))
  const first = await voice({}, home)
  const id = await startSession(first)
  const folder = folderOf(first)
  const text = await readFile(join(folder, `${id}.json`), 'utf8')
  await first.stop()
  await writeFile(join(folder, `${id}.json`), text)
  await writeFile(join(folder, 'torn.json'), '{"session_id"')
  const mend = brokenDisk(folder, 'EROFS')
  const second = await voice({}, home)
  mend()
  assert.equal(await metric(second, 'sonia_voice_sessions_active'), '1')
  const troubles: unknown[] = []
  const disk = await failingDisk({ folder, at: 1, code: 'EIO' })
  const files = createSessionFiles(folder, (error) => troubles.push(error))
  assert.deepEqual(await files.leftovers(), [])
  disk.mend()
  assert.equal(troubles.length, 1, 'a folder that cannot be read is told of, not taken for empty')
  await second.stop()
  await rm(home, { recursive: true })
})
