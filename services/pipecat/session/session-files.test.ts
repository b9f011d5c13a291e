import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
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
