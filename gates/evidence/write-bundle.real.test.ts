import assert from 'node:assert/strict'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { privatePem, newMachineKey } from './machine-key.ts'
import { parseManifest } from './manifest.ts'
import { sha256 } from './sha256.ts'
import { filesOf, makeBundle, makeRecording, scratchFolder, type Recording } from './testing.ts'

let folder: string
let recording: Recording

before(async () => {
  folder = await scratchFolder()
  recording = await makeRecording(folder)
})
after(() => rm(folder, { recursive: true, force: true }))

const artifacts = () => readdir(join(folder, 'artifacts')).catch(() => [])

test('refuses to seal a secret of the stack, in text or in a binary file, and leaves nothing behind', async () => {
  const secret = 'c2VjcmV0IG9mIHRoaXMgc3RhY2s'
  for (const content of [`token ${secret}\n`, Buffer.from(`\u0000\u0001${secret}\u0002`)]) {
    const gateFiles = [{ path: 'gates/soak/service.log', content }]
    await assert.rejects(
      makeBundle(recording, { runId: 'secret', gateFiles, secrets: [secret] }),
      /holds 1 secret.*gates\/soak\/service\.log/,
    )
  }
  assert.deepEqual(await artifacts(), [])
})

test('refuses to seal a private key that nobody told it of', async () => {
  const gateFiles = [{ path: 'gates/soak/service.log', content: privatePem(newMachineKey()) }]
  await assert.rejects(makeBundle(recording, { runId: 'secret', gateFiles }), /secret/)
  assert.deepEqual(await artifacts(), [])
})

test('refuses a file that has no place in a bundle', async () => {
  for (const path of ['attestations/mine.dsse.json', 'keys/mine.pem', 'MANIFEST.json', 'notes.txt'])
    await assert.rejects(makeBundle(recording, { gateFiles: [{ path, content: 'x' }] }), /has no place/)
  for (const path of ['../outside', '/etc/hostname', 'gates/../../outside', 'gates/soak/a\nb'])
    await assert.rejects(makeBundle(recording, { gateFiles: [{ path, content: 'x' }] }), /not a path inside/)
  assert.deepEqual(await artifacts(), [])
})

test('never overwrites a bundle', async () => {
  const first = await makeBundle(recording, { runId: 'kept' })
  const before = await readFile(join(first.path, 'MANIFEST.json'))
  await assert.rejects(makeBundle(recording, { runId: 'kept' }), /never overwritten/)
  assert.deepEqual(await readFile(join(first.path, 'MANIFEST.json')), before)
  assert.deepEqual(await artifacts(), ['kept'])
})

test('writes every file read-only and lists each with size, digest and role', async () => {
  const { path } = await makeBundle(recording, { runId: 'modes' })
  for (const file of await filesOf(path)) assert.equal((await stat(file)).mode & 0o7777, 0o444, file)
  const { files } = parseManifest(await readFile(join(path, 'MANIFEST.json'), 'utf8'))
  for (const file of files) {
    const bytes = await readFile(join(path, file.path))
    assert.deepEqual([file.size, file.sha256], [bytes.length, sha256(bytes)], file.path)
  }
  const outside = (await filesOf(path)).length - files.length
  const attestations = (await readdir(join(path, 'attestations'))).length
  assert.equal(outside, attestations + ['MANIFEST.json', 'SHA256SUMS', 'machine.pem', 'machine.pub'].length)
})

test("carries the seed's artefacts of the gates that ran, and no others", async () => {
  const { path } = await makeBundle(recording, { runId: 'names' })
  const names = await readdir(path)
  for (const name of ['go-no-go-summary.json', 'soak-metrics-final.json', 'MANIFEST.json'])
    assert.ok(names.includes(name), name)
  for (const name of ['security-tests.json', 'restore-drill.json', 'integration-tests.json'])
    assert.ok(!names.includes(name), name)
})

test('chains a bundle to the newest one before it', async () => {
  const later = { createdAtMs: Date.UTC(2030, 0, 1) }
  const first = await makeBundle(recording, { runId: 'chain-1', ...later })
  const second = await makeBundle(recording, { runId: 'chain-2', createdAtMs: later.createdAtMs + 1 })
  const manifest = parseManifest(await readFile(join(second.path, 'MANIFEST.json'), 'utf8'))
  assert.deepEqual(manifest.previous, { run_id: 'chain-1', manifest_sha256: first.manifestSha256 })
})

test('says of a PASS, in its file and on its page, how many errors more would have turned it', async () => {
  const { path } = await makeBundle(recording, { runId: 'cards' })
  const cards = await readFile(join(path, 'gates', 'soak', 'sensitivity.json'), 'utf8')
  const said = /"sentence":\s*"([^"]*[1-9]\d* more errors would have made it[^"]*)"/.exec(cards)?.[1] ?? ''
  assert.notEqual(said, '')
  assert.ok((await readFile(join(path, 'report.html'), 'utf8')).includes(said))
})
