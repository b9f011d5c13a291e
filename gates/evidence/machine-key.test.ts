import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadMachineKey, MACHINE_KEY_FILE, newMachineKey, privatePem } from './machine-key.ts'
import { scratchFolder } from './testing.ts'

let folder: string
before(async () => {
  folder = await scratchFolder()
})
after(() => rm(folder, { recursive: true, force: true }))

const place = async (name: string) => {
  await mkdir(join(folder, name))
  return { folder: join(folder, name), file: join(folder, name, MACHINE_KEY_FILE) }
}

test('refuses a key file that others may read', async () => {
  const { folder: at, file } = await place('open')
  await writeFile(file, privatePem(newMachineKey()))
  await chmod(file, 0o640)
  await assert.rejects(loadMachineKey(at), /only its owner can read/)
})

test('refuses a link in place of the key file', async () => {
  const { folder: at, file } = await place('link')
  await writeFile(join(folder, 'elsewhere'), privatePem(newMachineKey()), { mode: 0o600 })
  await symlink(join(folder, 'elsewhere'), file)
  await assert.rejects(loadMachineKey(at), /only its owner can read/)
})

test('refuses a key file that holds no key', async () => {
  const { folder: at, file } = await place('broken')
  await writeFile(file, 'no key', { mode: 0o600 })
  await assert.rejects(loadMachineKey(at))
})

test('refuses a key of another curve', async () => {
  const { folder: at, file } = await place('curve')
  const { generateKeyPairSync } = await import('node:crypto')
  const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
  await writeFile(file, other.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  await assert.rejects(loadMachineKey(at), /P-256/)
})

test('makes the key at first use, readable by its owner alone, and keeps it', async () => {
  const { folder: at, file } = await place('new')
  const first = await loadMachineKey(at)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.equal((await loadMachineKey(at)).keyId, first.keyId)
  assert.equal(await readFile(file, 'utf8'), privatePem(first))
})

test('many first uses at once agree on one key', async () => {
  const { folder: at } = await place('race')
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadMachineKey(at)))
  assert.equal(new Set(keys.map((key) => key.keyId)).size, 1)
})
