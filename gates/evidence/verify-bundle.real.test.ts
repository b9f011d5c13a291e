import assert from 'node:assert/strict'
import { chmod, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { attestationFiles, attestationsOf, envelopeFiles } from './attestations.ts'
import { parseDsse, payloadOf, signDsse } from './dsse.ts'
import type { FindingCode } from './findings.ts'
import { newMachineKey, type MachineKey } from './machine-key.ts'
import { parseManifest, renderManifest, type Manifest } from './manifest.ts'
import { parseVerdict } from './read-verdict.ts'
import { outputOf } from './run-process.ts'
import { sha256 } from './sha256.ts'
import { renderSha256Sums } from './sha256sums.ts'
import {
  copyForDamage,
  makeBundle,
  makeRecording,
  overwrite,
  PROMETHEUS_FILE,
  scratchFolder,
  type Recording,
} from './testing.ts'
import { NO_TRUST, trustFromAllowedSigners, trustFromKey, type Trust } from './trust.ts'
import { verifyBundle } from './verify-bundle.ts'

let folder: string
let recording: Recording
let bundle: string
let keys: MachineKey
let copies = 0

before(async () => {
  folder = await scratchFolder()
  recording = await makeRecording(folder)
  const made = await makeBundle(recording)
  bundle = made.path
  keys = made.keys
})

after(() => rm(folder, { recursive: true, force: true }))

const verify = (path: string, trust: Trust = trustFromKey(keys.publicKeyPem)) =>
  verifyBundle(path, { trust, prometheusBinary: PROMETHEUS_FILE, scratchFolder: folder })

/** Damages a copy and expects exactly this objection first, and its class as exit code. */
async function refuses(
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
async function rehash(
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
async function signAgain(copy: string, key: MachineKey): Promise<void> {
  const text = await readFile(join(copy, 'MANIFEST.json'), 'utf8')
  const manifest = parseManifest(text)
  const subject = { manifestSha256: sha256(text), commit: manifest.released.commit }
  const verdict = parseVerdict(await readFile(join(copy, 'verdict.json'), 'utf8'))
  for (const attestation of attestationsOf(subject, manifest, verdict))
    for (const [name, content] of attestationFiles(attestation, key))
      await overwrite(join(copy, 'attestations', name), content)
}

async function flipBit(path: string, at = -1): Promise<void> {
  const bytes = await readFile(path)
  const index = at < 0 ? Math.floor(bytes.length / 2) : at
  bytes[index] = (bytes[index] ?? 0) ^ 1
  await overwrite(path, bytes)
}

const edit = async (path: string, from: string, to: string) => {
  const text = await readFile(path, 'utf8')
  assert.ok(text.includes(from), `${from} is not in ${path}`)
  await overwrite(path, text.replaceAll(from, to))
}

test('refuses a flipped bit in every single file of the bundle', async () => {
  const { files } = parseManifest(await readFile(join(bundle, 'MANIFEST.json'), 'utf8'))
  for (const { path, size } of files) {
    if (size === 0) continue
    await refuses('FILE_CHANGED', 10, (copy) => flipBit(join(copy, path)))
  }
})

test('refuses a missing file', () =>
  refuses('FILE_MISSING', 11, (copy) => rm(join(copy, 'gates/soak/k6.log'))))

test('refuses a removed recorded block', async () => {
  const { files } = parseManifest(await readFile(join(bundle, 'MANIFEST.json'), 'utf8'))
  const chunk = files.find(({ path }) => path.includes('/chunks/'))?.path ?? ''
  await refuses('FILE_MISSING', 11, (copy) => rm(join(copy, chunk)))
})

test('refuses an extra file', () =>
  refuses('FILE_EXTRA', 10, (copy) => writeFile(join(copy, 'gates/soak/more.log'), 'x', { mode: 0o444 })))

test('refuses an extra file among the keys', () =>
  refuses('FILE_EXTRA', 10, (copy) => writeFile(join(copy, 'keys/other.pem'), 'x', { mode: 0o444 })))

test('refuses a renamed file', () =>
  refuses('FILE_EXTRA', 10, (copy) =>
    rename(join(copy, 'gates/soak/k6.log'), join(copy, 'gates/soak/k7.log')),
  ))

test('refuses a symbolic link in place of a file with the same bytes', () =>
  refuses('FILE_LINK', 10, async (copy) => {
    await rename(join(copy, 'gates/soak/k6.log'), join(folder, 'outside.log'))
    await symlink(join(folder, 'outside.log'), join(copy, 'gates/soak/k6.log'))
  }))

test('refuses a pipe in the bundle', () =>
  refuses('FILE_SPECIAL', 10, (copy) => outputOf('mkfifo', [join(copy, 'gates/soak/pipe')])))

test('refuses a file that may be written', () =>
  refuses('FILE_MODE', 10, (copy) => chmod(join(copy, 'verdict.json'), 0o644)))

test('refuses a file that may be run', () =>
  refuses('FILE_MODE', 10, (copy) => chmod(join(copy, 'verdict.json'), 0o555)))

test('refuses a bundle without a manifest', () =>
  refuses('MANIFEST_MISSING', 11, (copy) => rm(join(copy, 'MANIFEST.json'))))

test('refuses an empty manifest', () =>
  refuses('MANIFEST_MALFORMED', 10, (copy) => overwrite(join(copy, 'MANIFEST.json'), '{}')))

test('refuses a manifest that lists nothing', () =>
  refuses('MANIFEST_MALFORMED', 10, async (copy) => {
    const manifest = parseManifest(await readFile(join(copy, 'MANIFEST.json'), 'utf8'))
    await overwrite(join(copy, 'MANIFEST.json'), JSON.stringify({ ...manifest, files: [] }))
  }))

test('refuses a manifest that points outside the folder', () =>
  refuses('MANIFEST_MALFORMED', 10, (copy) =>
    edit(join(copy, 'MANIFEST.json'), '"gates/soak/k6.log"', '"../../outside.log"'),
  ))

test('refuses a missing SHA256SUMS', () =>
  refuses('SUMS_MISSING', 11, (copy) => rm(join(copy, 'SHA256SUMS'))))

test('refuses a SHA256SUMS that says less than the manifest', () =>
  refuses('SUMS_CHANGED', 10, (copy) => overwrite(join(copy, 'SHA256SUMS'), '')))

test('refuses an edited file whose digests were all computed again', () =>
  refuses('MANIFEST_CHANGED', 10, async (copy) => {
    await edit(join(copy, 'gates/soak/k6.log'), '300 of 300', '999 of 999')
    await rehash(copy)
  }))

test('refuses a manifest moved to another commit', () =>
  refuses('MANIFEST_CHANGED', 10, (copy) =>
    rehash(copy, (manifest) => ({ ...manifest, released: { ...manifest.released, commit: 'f'.repeat(40) } })),
  ))

test('refuses a smoke run relabelled as release', () =>
  refuses('MANIFEST_CHANGED', 10, (copy) =>
    rehash(copy, (manifest) => ({ ...manifest, profile: 'release' })),
  ))

test('refuses an attestation of another run with the same key, commit and gate', async () => {
  const other = await makeBundle(recording, { keys, runId: 'run-2' })
  for (const name of ['soak', 'provenance'])
    await refuses('ATTESTATION_OF_ANOTHER_RUN', 13, async (copy) => {
      for (const file of [`attestations/${name}.dsse.json`, `attestations/${name}.sigstore.json`])
        await overwrite(join(copy, file), await readFile(join(other.path, file)))
    })
})

test('refuses a run whose predecessor beside it was changed or replaced', async () => {
  const first = await makeBundle(recording, { keys, runId: 'chain-1', createdAtMs: Date.UTC(2030, 0, 1) })
  const second = await makeBundle(recording, { keys, runId: 'chain-2', createdAtMs: Date.UTC(2030, 0, 2) })
  assert.equal((await verify(second.path)).exitCode, 0)
  await overwrite(join(first.path, 'MANIFEST.json'), '{}')
  const result = await verify(second.path)
  assert.equal(result.files.findings[0]?.code, 'CHAIN_BROKEN')
  assert.equal(result.exitCode, 10)
})

test('refuses an attestation with another signature over the same payload', () =>
  refuses('SIGNATURE_INVALID', 10, async (copy) => {
    const path = join(copy, 'attestations/soak.dsse.json')
    const envelope = JSON.parse(await readFile(path, 'utf8'))
    const other = JSON.parse(await readFile(join(copy, 'attestations/go-no-go.dsse.json'), 'utf8'))
    await overwrite(path, JSON.stringify({ ...envelope, signatures: other.signatures }))
  }))

test('refuses an attestation of one gate in the name of another', () =>
  refuses('ATTESTATION_CONTENT', 10, async (copy) => {
    for (const kind of ['dsse', 'sigstore'])
      await overwrite(
        join(copy, `attestations/soak.${kind}.json`),
        await readFile(join(copy, `attestations/go-no-go.${kind}.json`)),
      )
  }))

test('refuses a statement about more than this manifest and commit, even signed by the right key', () =>
  refuses('ATTESTATION_SUBJECT', 10, async (copy) => {
    const path = join(copy, 'attestations/soak.dsse.json')
    const statement = JSON.parse(payloadOf(parseDsse(await readFile(path, 'utf8'))).toString())
    statement.subject.push({ name: 'other', digest: { sha256: 'a'.repeat(64) } })
    for (const [name, content] of envelopeFiles(
      'soak',
      signDsse(Buffer.from(JSON.stringify(statement)), keys),
    ))
      await overwrite(join(copy, 'attestations', name), content)
  }))

test('refuses a missing attestation', () =>
  refuses('ATTESTATION_MISSING', 11, (copy) => rm(join(copy, 'attestations/soak.dsse.json'))))

test('refuses a missing provenance', () =>
  refuses('ATTESTATION_MISSING', 11, (copy) => rm(join(copy, 'attestations/provenance.dsse.json'))))

test('refuses an attestation that belongs to nothing', () =>
  refuses('ATTESTATION_UNKNOWN', 10, async (copy) => {
    const text = await readFile(join(copy, 'attestations/soak.dsse.json'))
    await writeFile(join(copy, 'attestations/extra.dsse.json'), text, { mode: 0o444 })
  }))

test('refuses the same signature given twice', () =>
  refuses('SIGNATURE_REPEATED', 10, async (copy) => {
    const path = join(copy, 'attestations/soak.dsse.json')
    const envelope = JSON.parse(await readFile(path, 'utf8'))
    await overwrite(
      path,
      JSON.stringify({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }),
    )
  }))

test('refuses an envelope without a signature', () =>
  refuses('ATTESTATION_MALFORMED', 10, async (copy) => {
    const path = join(copy, 'attestations/soak.dsse.json')
    const envelope = JSON.parse(await readFile(path, 'utf8'))
    await overwrite(path, JSON.stringify({ ...envelope, signatures: [] }))
  }))

test('refuses a changed key id', () =>
  refuses('KEY_UNKNOWN', 12, (copy) =>
    edit(join(copy, 'attestations/soak.dsse.json'), keys.keyId, newMachineKey().keyId),
  ))

test('refuses an envelope signed again by another key, even with its id and its public key put in place', async () => {
  const forger = newMachineKey()
  const forge = async (copy: string) => {
    await rehash(copy, (manifest) => ({
      ...manifest,
      producer: { ...manifest.producer, key_id: forger.keyId },
    }))
    await signAgain(copy, forger)
    await overwrite(join(copy, 'keys/machine.pem'), forger.publicKeyPem)
    await overwrite(join(copy, 'keys/machine.pub'), `${forger.publicKeyLine}\n`)
  }
  await refuses('VERDICT_DIFFERS', 12, forge)
  await refuses('KEY_UNKNOWN', 12, forge)
})

test('refuses a public key that is not the one the manifest names', () =>
  refuses('KEY_COPY_CHANGED', 10, (copy) =>
    overwrite(join(copy, 'keys/machine.pem'), newMachineKey().publicKeyPem),
  ))

test('refuses a sigstore bundle that holds another envelope', () =>
  refuses('SIGSTORE_DIFFERS', 10, async (copy) =>
    overwrite(
      join(copy, 'attestations/soak.sigstore.json'),
      await readFile(join(copy, 'attestations/go-no-go.sigstore.json')),
    ),
  ))

test('refuses a verdict edited and signed again by the right key: the recorded data object', () =>
  refuses('VERDICT_DIFFERS', 14, async (copy) => {
    await edit(join(copy, 'verdict.json'), '"value": 3', '"value": 4')
    await rehash(copy)
    await signAgain(copy, keys)
  }))

test('refuses answers edited and signed again by the right key', () =>
  refuses('VERDICT_DIFFERS', 14, async (copy) => {
    await edit(join(copy, 'gates/go-no-go/answers.json'), '"3"', '"4"')
    await rehash(copy)
    await signAgain(copy, keys)
  }))

test('refuses a report edited and signed again by the right key', () =>
  refuses('VERDICT_DIFFERS', 14, async (copy) => {
    await edit(join(copy, 'report.html'), 'Cycles of start and stop', 'Cycles of start and go')
    await rehash(copy)
    await signAgain(copy, keys)
  }))

test('refuses recorded blocks of another history, digested and signed again', async () => {
  const other = await makeBundle(await makeRecording(await scratchFolder(), 40), { keys })
  const isBlock = ({ path }: { path: string }) => path.startsWith('prometheus/blocks/')
  const theirs = parseManifest(await readFile(join(other.path, 'MANIFEST.json'), 'utf8')).files.filter(
    isBlock,
  )
  await refuses('VERDICT_DIFFERS', 14, async (copy) => {
    await rm(join(copy, 'prometheus/blocks'), { recursive: true })
    await copyForDamage(join(other.path, 'prometheus/blocks'), join(copy, 'prometheus/blocks'))
    await rehash(copy, (manifest) => ({
      ...manifest,
      files: [...manifest.files.filter((file) => !isBlock(file)), ...theirs],
    }))
    await signAgain(copy, keys)
  })
  await rm(dirname(dirname(other.path)), { recursive: true })
})

test('refuses criteria loosened after the run, digested and signed again', () =>
  refuses('VERDICT_DIFFERS', 14, async (copy) => {
    await edit(join(copy, 'criteria/soak.yaml'), 'limit: 0.005', 'limit: 0.5')
    await rehash(copy)
    await signAgain(copy, keys)
  }))

test('refuses a block cut short', async () => {
  const { files } = parseManifest(await readFile(join(bundle, 'MANIFEST.json'), 'utf8'))
  const index = files.find(({ path }) => path.endsWith('/index'))?.path ?? ''
  await refuses('FILE_CHANGED', 10, async (copy) => {
    const bytes = await readFile(join(copy, index))
    await overwrite(join(copy, index), bytes.subarray(0, 100))
  })
})

test('refuses blocks that Prometheus cannot open, digested and signed again', async () => {
  const { files } = parseManifest(await readFile(join(bundle, 'MANIFEST.json'), 'utf8'))
  const index = files.find(({ path }) => path.endsWith('/index'))?.path ?? ''
  await refuses('VERDICT_NOT_DERIVED', 14, async (copy) => {
    await overwrite(join(copy, index), 'no index')
    await rehash(copy)
    await signAgain(copy, keys)
  })
})

test('says who nobody named when no key is given, and does not accept', async () => {
  const result = await verify(bundle, NO_TRUST)
  assert.equal(result.exitCode, 12)
  assert.equal(result.files.isYes, true)
  assert.equal(result.derived.isYes, true)
  assert.deepEqual(
    result.signed.findings.map((one) => one.code),
    ['NO_TRUST' satisfies FindingCode],
  )
  assert.match(result.signed.sentence, /intact, but signed by nobody you named/)
})

test('refuses a signer who may sign other things only, or no longer', async () => {
  const now = Date.UTC(2026, 10, 1)
  const line = (options: string) => trustFromAllowedSigners(`ci ${options} ${keys.publicKeyLine}\n`, now)
  for (const options of ['namespaces="git"', 'valid-before="20200101Z"', 'valid-after="20300101Z"'])
    assert.equal((await verify(bundle, line(options))).exitCode, 12)
  assert.equal((await verify(bundle, line('namespaces="sonia-evidence@v1"'))).exitCode, 0)
})

test('accepts the untouched bundle, answering all three questions with yes', async () => {
  const result = await verify(bundle)
  assert.deepEqual([...result.files.findings, ...result.signed.findings, ...result.derived.findings], [])
  assert.equal(result.exitCode, 0)
  assert.equal(result.verdict, 'PASS')
})

test('accepts a copy made under a stricter umask', async () => {
  const copy = await copyForDamage(bundle, join(folder, 'strict'))
  await outputOf('chmod', ['-R', 'go-rwx', copy])
  assert.equal((await verify(copy)).exitCode, 0)
})
