import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { envelopeFiles } from './attestations.ts'
import { parseDsse, payloadOf, signDsse } from './dsse.ts'
import type { FindingCode } from './findings.ts'
import { newMachineKey } from './machine-key.ts'
import { bundle, edit, keys, recording, refuses, rehash, signAgain, verify } from './tampered-bundle.ts'
import { makeBundle, overwrite } from './testing.ts'
import { NO_TRUST, trustFromAllowedSigners } from './trust.ts'

test('refuses an attestation of another run with the same key, commit and gate', async () => {
  const other = await makeBundle(recording, { keys, runId: 'run-2' })
  for (const name of ['soak', 'provenance'])
    await refuses('ATTESTATION_OF_ANOTHER_RUN', 13, async (copy) => {
      for (const file of [`attestations/${name}.dsse.json`, `attestations/${name}.sigstore.json`])
        await overwrite(join(copy, file), await readFile(join(other.path, file)))
    })
})

test('refuses an attestation with another signature over the same payload', () =>
  refuses('SIGNATURE_INVALID', 10, async (copy) => {
    const path = join(copy, 'attestations/soak.dsse.json')
    const envelope = JSON.parse(await readFile(path, 'utf8'))
    const other = JSON.parse(await readFile(join(copy, 'attestations/go-no-go.dsse.json'), 'utf8'))
    await overwrite(path, `${JSON.stringify({ ...envelope, signatures: other.signatures })}\n`)
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
      `${JSON.stringify({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] })}\n`,
    )
  }))

test('refuses an envelope without a signature', () =>
  refuses('ATTESTATION_MALFORMED', 10, async (copy) => {
    const path = join(copy, 'attestations/soak.dsse.json')
    const envelope = JSON.parse(await readFile(path, 'utf8'))
    await overwrite(path, `${JSON.stringify({ ...envelope, signatures: [] })}\n`)
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

test('refuses text around a public key, and a second member or space in an envelope: others may read those', async () => {
  await refuses('KEY_COPY_CHANGED', 10, async (copy) => {
    const path = join(copy, 'keys/machine.pem')
    await overwrite(path, `Approved by everybody\n${await readFile(path, 'utf8')}`)
  })
  for (const change of [
    (text: string) => text.replace('{', '{"payload":"AAAA",'),
    (text: string) => `${text} `,
  ])
    await refuses('ATTESTATION_MALFORMED', 10, async (copy) => {
      const path = join(copy, 'attestations/soak.dsse.json')
      await overwrite(path, change(await readFile(path, 'utf8')))
    })
})

test('refuses a statement that says one thing twice, signed by the right key: another reader takes the first', async () => {
  for (const change of [
    (text: string) => text.replace('"predicate":{', '"predicate":{"result":"PASSED",'),
    (text: string) => `${text}\n`,
  ])
    await refuses('ATTESTATION_MALFORMED', 10, async (copy) => {
      const text = await readFile(join(copy, 'attestations/soak.dsse.json'), 'utf8')
      const changed = Buffer.from(change(payloadOf(parseDsse(text)).toString()))
      for (const [name, content] of envelopeFiles('soak', signDsse(changed, keys)))
        await overwrite(join(copy, 'attestations', name), content)
    })
})

test('refuses a sigstore bundle that holds another envelope', () =>
  refuses('SIGSTORE_DIFFERS', 10, async (copy) =>
    overwrite(
      join(copy, 'attestations/soak.sigstore.json'),
      await readFile(join(copy, 'attestations/go-no-go.sigstore.json')),
    ),
  ))

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
