import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bundleFromJSON } from '@sigstore/bundle'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { checkSteps } from '../report/check-commands.ts'
import { newMachineKey, type MachineKey } from './machine-key.ts'
import { parseManifest, type Manifest } from './manifest.ts'
import { outputOf, runProcess } from './run-process.ts'
import { copyForDamage, makeBundle, makeRecording, overwrite, scratchFolder } from './testing.ts'

/** Programs of other projects must agree: a format that only we can read proves nothing to anybody else. */
let folder: string
let bundle: string
let repository: string
let keys: MachineKey
let manifest: Manifest

before(async () => {
  folder = await scratchFolder()
  const recording = await makeRecording(folder)
  const made = await makeBundle(recording)
  bundle = made.path
  keys = made.keys
  repository = recording.repository
  manifest = parseManifest(await readFile(join(bundle, 'MANIFEST.json'), 'utf8'))
})

after(() => rm(folder, { recursive: true, force: true }))

const GATES = ['go-no-go', 'soak']
const commandsOf = (title: string) => {
  const step = checkSteps(manifest, GATES).find((one) => one.title.includes(title))
  assert.ok(step !== undefined)
  return step.commands
}
const shell = (commands: string, cwd = bundle) => runProcess('sh', ['-ec', commands], { cwd })

const sigstoreVerifier = (key: MachineKey) => {
  const found = (hint: string) => {
    assert.equal(hint, keys.keyId)
    return { publicKey: createPublicKey(key.publicKeyPem), validFor: () => true }
  }
  const root = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [],
    certificateAuthorities: [],
    ctlogs: [],
    timestampAuthorities: [],
  }
  const none = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }
  return new Verifier(toTrustMaterial(root, found), none)
}

test('@sigstore/verify accepts every sigstore bundle by the machine key, and none by another', async () => {
  const names = (await readdir(join(bundle, 'attestations'))).filter((name) =>
    name.endsWith('.sigstore.json'),
  )
  assert.equal(names.length, GATES.length + 1)
  for (const name of names) {
    const json = JSON.parse(await readFile(join(bundle, 'attestations', name), 'utf8'))
    const entity = () => toSignedEntity(bundleFromJSON(json))
    sigstoreVerifier(keys).verify(entity())
    assert.throws(() => sigstoreVerifier(newMachineKey()).verify(entity()), /signature verification failed/)
    const changed = Buffer.from(json.dsseEnvelope.payload, 'base64').toString().replace('PASS', 'FAIL')
    json.dsseEnvelope.payload = Buffer.from(changed).toString('base64')
    if (!name.startsWith('provenance'))
      assert.throws(() => sigstoreVerifier(keys).verify(entity()), /signature verification failed/)
  }
})

test('openssl accepts each signature by the commands of the report, and refuses a changed payload', async () => {
  const good = await shell(commandsOf('openssl'))
  assert.equal(good.stdout.toString(), 'Verified OK\n'.repeat(GATES.length + 1))
  const copy = await copyForDamage(bundle, join(folder, 'changed'))
  const path = join(copy, 'attestations/soak.dsse.json')
  const envelope = JSON.parse(await readFile(path, 'utf8'))
  const payload = Buffer.from(envelope.payload, 'base64').toString().replace('PASSED', 'FAILED')
  await overwrite(
    path,
    `${JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') })}\n`,
  )
  assert.notEqual((await shell(commandsOf('openssl'), copy)).exitCode, 0)
})

test('the statements name this manifest by the commands of the report', async () => {
  const said = (await shell(commandsOf('this manifest'))).stdout.toString()
  assert.equal(said.match(/: this manifest/gu)?.length, GATES.length + 1)
  const copy = await copyForDamage(bundle, join(folder, 'other-manifest'))
  await overwrite(join(copy, 'MANIFEST.json'), '{}')
  assert.equal(
    (await shell(commandsOf('this manifest'), copy)).stdout.toString().match(/ANOTHER/gu)?.length,
    3,
  )
})

test('each statement names its gate and result by the commands of the report', async () => {
  const said = async (at: string) => (await shell(commandsOf('of its gate'), at)).stdout.toString()
  const [first, second] = (await said(bundle)).trimEnd().split('\n')
  assert.equal(first, 'go-no-go: "result":"PASSED" "gate":"go-no-go"')
  assert.equal(second, 'soak: "result":"PASSED" "gate":"soak"')
  const copy = await copyForDamage(bundle, join(folder, 'other-gate'))
  const text = await readFile(join(copy, 'attestations/go-no-go.dsse.json'))
  await overwrite(join(copy, 'attestations/soak.dsse.json'), text)
  assert.match(await said(copy), /^soak: .*"gate":"go-no-go"$/mu)
})

test('the fingerprint is that of the file which openssl verifies with', async () => {
  const forger = newMachineKey()
  const copy = await copyForDamage(bundle, join(folder, 'two-keys'))
  await overwrite(join(copy, 'keys/machine.pem'), forger.publicKeyPem)
  const printed = (await shell(commandsOf('ssh-keygen'), copy)).stdout.toString()
  assert.equal(printed.split(' ')[1], forger.keyId)
})

test('sha256sum accepts the bundle and refuses a changed byte', async () => {
  assert.equal((await shell(commandsOf('sha256sum'))).exitCode, 0)
  const copy = await copyForDamage(bundle, join(folder, 'byte'))
  await overwrite(join(copy, 'gates/soak/k6.log'), 'delivered 301 of 300\n')
  assert.notEqual((await shell(commandsOf('sha256sum'), copy)).exitCode, 0)
})

test('ssh-keygen prints the fingerprint that signatures carry as key id', async () => {
  const printed = (await shell(commandsOf('ssh-keygen'))).stdout.toString()
  assert.equal(printed.split(' ')[1], keys.keyId)
  assert.equal(manifest.producer.key_id, keys.keyId)
})

test('git has the tree that the manifest names', async () => {
  const printed = (await shell(commandsOf('git'), repository)).stdout.toString()
  assert.equal(printed.trim(), manifest.released.tree)
})

test('openssl and ssh-keygen see one key in both copies', async () => {
  await writeFile(join(folder, 'machine.pem'), keys.publicKeyPem)
  const line = await outputOf('ssh-keygen', ['-i', '-m', 'PKCS8', '-f', join(folder, 'machine.pem')])
  assert.equal(line.trim(), keys.publicKeyLine)
})
