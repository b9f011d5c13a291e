import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { isSandboxMisplaced } from './sandbox-place.ts'
import { buildOpenclaw } from './testing.ts'

const root = mkdtempSync(join(tmpdir(), 'sonia-place-'))
after(() => rmSync(root, { recursive: true, force: true }))
const folderOf = (...names: readonly string[]) => {
  const folder = join(root, ...names)
  mkdirSync(folder, { recursive: true })
  return folder
}

test('a sandbox beside the folders of the system is well placed', () => {
  const config = folderOf('home', 'config')
  assert.equal(isSandboxMisplaced(folderOf('home', 'sandbox'), [config]), false)
  assert.equal(isSandboxMisplaced(folderOf('home', 'config-of-mine'), [config]), false)
})

test('one that holds them, is one, lies in one, or is another name for one, is not', () => {
  const config = folderOf('home', 'config')
  const link = join(root, 'link')
  symlinkSync(folderOf('home'), link)
  for (const place of ['/', root, folderOf('home'), config, folderOf('home', 'config', 'sandbox'), link])
    assert.equal(isSandboxMisplaced(place, [config]), true, place)
  assert.equal(isSandboxMisplaced(folderOf('other'), [join(root, 'other', 'not-there-yet')]), true)
})

test('keys, policies and state are served to nobody where the configuration makes them the sandbox', async () => {
  for (const place of ['.', 'config', 'data/eva-os', 'run/secrets']) {
    const home = folderOf(`state-of-${place.replaceAll(/\W/g, '-')}`)
    mkdirSync(join(home, place), { recursive: true })
    mkdirSync(join(home, 'config'), { recursive: true })
    writeFileSync(join(home, 'config', 'sonia.json'), JSON.stringify({ sandbox_root: place }))
    writeFileSync(join(home, place, 'key'), 'secret')
    const owner = statSync(join(home, place)).uid
    const openclaw = await buildOpenclaw({ home })
    const read = await openclaw.execute('file.read', { path: 'key' })
    const write = await openclaw.execute('file.write', { path: 'key', content: 'x' })
    const shell = await openclaw.execute('shell.run', { command: 'cat key' })
    const health = (await openclaw.app.inject({ url: '/healthz' })).json<{ status: string }>()
    await openclaw.stop()
    assert.deepEqual([read.status, write.status, shell.status, health.status], [503, 503, 503, 'DEGRADED'])
    assert.equal(statSync(join(home, place)).uid, owner, 'the folder stays whose it was')
  }
})
