import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { attestationFiles, attestationsOf } from './attestations.ts'
import type { FindingCode } from './findings.ts'
import type { MachineKey } from './machine-key.ts'
import { type Manifest, parseManifest, renderManifest } from './manifest.ts'
import { parseVerdict } from './read-verdict.ts'
import { sha256 } from './sha256.ts'
import { renderSha256Sums } from './sha256sums.ts'
import {
  copyForDamage,
  makeBundle,
  makeRecording,
  overwrite,
  PROMETHEUS_FILE,
  type Recording,
  scratchFolder,
} from './testing.ts'
import { type Trust, trustFromKey } from './trust.ts'
import { verifyBundle } from './verify-bundle.ts'

/** One real bundle for the tests of a file, made before them and removed after them; each damages a copy. */
export let folder: string
export let recording: Recording
export let bundle: string
export let keys: MachineKey
let copies = 0

before(async () => {
  folder = await scratchFolder()
  recording = await makeRecording(folder)
  const made = await makeBundle(recording)
  bundle = made.path
  keys = made.keys
})

after(() => rm(folder, { recursive: true, force: true }))

export const verify = (path: string, trust: Trust = trustFromKey(keys.publicKeyPem)) =>
  verifyBundle(path, { trust, prometheusBinary: PROMETHEUS_FILE, scratchFolder: folder })

/** Damages a copy and expects exactly this objection first, and its class as exit code. */
export async function refuses(
  code: FindingCode,
  exitCode: number,
  damage: (copy: string) => Promise<unknown>,
  trust?: Trust,
) {
  const copy = await copyForDamage(bundle, join(folder, `copy-${copies++}`))
  await damage(copy)
  const result = await verify(copy, trust)
  const findings = [result.files, result.signed, result.derived].flatMap((one) => one.findings)
  assert.ok(
    findings.some((one) => one.code === code),
    `expected ${code}, found ${JSON.stringify(findings)}`,
  )
  assert.equal(result.exitCode, exitCode)
}

/** A forger who recomputes every digest after an edit; without the key he cannot sign them. */
export async function rehash(
  copy: string,
  edit: (manifest: Manifest) => Manifest = (same) => same,
): Promise<Manifest> {
  const manifest = edit(parseManifest(await readFile(join(copy, 'MANIFEST.json'), 'utf8')))
  const files = []
  for (const file of manifest.files) {
    const bytes = await readFile(join(copy, file.path))
    files.push({ ...file, size: bytes.length, sha256: sha256(bytes) })
  }
  const text = renderManifest({ ...manifest, files })
  await overwrite(join(copy, 'MANIFEST.json'), text)
  await overwrite(join(copy, 'SHA256SUMS'), renderSha256Sums({ ...manifest, files }, sha256(text)))
  return { ...manifest, files }
}

/** The machine's own key in wrong hands: everything is signed again. Only the recorded data can object then. */
export async function signAgain(copy: string, key: MachineKey): Promise<void> {
  const text = await readFile(join(copy, 'MANIFEST.json'), 'utf8')
  const manifest = parseManifest(text)
  const subject = { manifestSha256: sha256(text), commit: manifest.released.commit }
  const verdict = parseVerdict(await readFile(join(copy, 'verdict.json'), 'utf8'))
  for (const attestation of attestationsOf(subject, manifest, verdict))
    for (const [name, content] of attestationFiles(attestation, key))
      await overwrite(join(copy, 'attestations', name), content)
}

export async function flipBit(path: string, at = -1): Promise<void> {
  const bytes = await readFile(path)
  const index = at < 0 ? Math.floor(bytes.length / 2) : at
  bytes[index] = (bytes[index] ?? 0) ^ 1
  await overwrite(path, bytes)
}

export const edit = async (path: string, from: string, to: string) => {
  const text = await readFile(path, 'utf8')
  assert.ok(text.includes(from), `${from} is not in ${path}`)
  await overwrite(path, text.replaceAll(from, to))
}
