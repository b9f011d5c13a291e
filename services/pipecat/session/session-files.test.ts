import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { metric, startSession, voice } from '../testing.ts'

async function sessionFiles(home: string): Promise<readonly string[]> {
  return (await readdir(join(home, 'data', 'sessions'))).toSorted()
}

test('a session that cannot be written down is refused, and is not counted as open', async () => {
  const started = await voice()
  const folder = join(started.home, 'data', 'sessions')
  // A file where the folder was: no rights stop root.
  await rm(folder, { recursive: true, force: true })
  await writeFile(folder, '')
  const { statusCode, body } = await started.app.inject({ method: 'POST', url: '/session/start', body: {} })
  assert.equal(statusCode, 503)
  const { error } = JSON.parse(body) as { error: { code: string; message: string } }
  assert.deepEqual(error, { code: 'UNAVAILABLE', message: 'The session could not be written down' })
  assert.equal(await metric(started, 'sonia_voice_sessions_active'), '0')
  assert.equal(await metric(started, 'sonia_voice_sessions_closed_total{reason="error"}'), '1')
  await rm(folder)
})

test('the file of a session is there, whole, when its start is answered, and gone when its stop is', async () => {
  const started = await voice()
  for (let n = 0; n < 20; n += 1) {
    const id = await startSession(started)
    assert.deepEqual(await sessionFiles(started.home), [`${id}.json`])
    const text = await readFile(join(started.home, 'data', 'sessions', `${id}.json`), 'utf8')
    assert.equal((JSON.parse(text) as { session_id: string }).session_id, id)
    await started.app.inject({ method: 'POST', url: '/session/stop', body: { session_id: id } })
    assert.deepEqual(await sessionFiles(started.home), [])
  }
})

const COUNT_LEFTOVERS = `
  const { createSessionFiles } = await import(process.argv[1])
  console.log((await createSessionFiles(process.argv[2], console.error).leftovers()).length)`

test('more sessions than a process may have files open are all found again, and none is taken for rubbish', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sonia-sessions-'))
  const rest = { user_id: null, owner: null, metadata: {}, created_at_ms: 0 }
  for (let n = 100; n < 400; n += 1) {
    const session_id = `00000000-0000-4000-8000-000000000${n}`
    await writeFile(join(folder, `${session_id}.json`), JSON.stringify({ session_id, ...rest }))
  }
  const module = new URL('session-files.ts', import.meta.url).href
  const { stdout } = await promisify(execFile)('/bin/sh', [
    '-c',
    'ulimit -n 100; exec "$0" --input-type=module --eval "$1" "$2" "$3"',
    process.execPath,
    COUNT_LEFTOVERS,
    module,
    folder,
  ])
  assert.equal(stdout.trim(), '300')
  assert.equal((await readdir(folder)).length, 300)
  await rm(folder, { recursive: true })
})
