import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LAYOUT } from '../evidence/bundle-layout.ts'
import type { ReadManifest } from '../evidence/check-files.ts'
import { isSignedBy, parseDsse, payloadOf, type DsseEnvelope } from '../evidence/dsse.ts'
import { finding, type Finding } from '../evidence/findings.ts'
import { publicKeyFromOwnPem } from '../evidence/machine-key.ts'
import { sha256 } from '../evidence/sha256.ts'
import { sigstoreBundle } from '../evidence/sigstore-bundle.ts'
import { sshFingerprint, sshKeyOf } from '../evidence/ssh-key.ts'
import { isAbout, parseStatement } from '../evidence/statement.ts'
import { SUMMARY, summaryIn, type Summary } from './verification-summary.ts'

export interface CheckedSummary {
  readonly summary: Summary
  /** Digest of the envelope, which the tags carry. */
  readonly sha256: string
  /** Fingerprint of the key that really signed it; whether it may is the policy's to say. */
  readonly keyId: string
  readonly known: ReadonlySet<string>
}

/** Reads the verification summary and checks that the key beside it signed it, about this manifest. */
export async function checkSummary(
  bundle: string,
  read: ReadManifest,
): Promise<{ readonly checked: CheckedSummary | null; readonly findings: readonly Finding[] }> {
  const path = `${LAYOUT.attestations}/${SUMMARY}.dsse.json`
  const refuse = (one: Finding) => ({ checked: null, findings: [one] })
  const text = await readFile(join(bundle, path), 'utf8').catch(() => null)
  if (text === null)
    return refuse(
      finding('ATTESTATION_MISSING', `${path} is missing: nothing says that this was released`, path),
    )
  try {
    const envelope = parseDsse(text)
    const statement = parseStatement(payloadOf(envelope))
    const keyId = await signerOf(bundle, envelope)
    if (keyId === null)
      return refuse(
        finding('SIGNATURE_INVALID', `the signature in ${path} is not that of ${LAYOUT.sealerKeyPem}`, path),
      )
    if (!isAbout(statement, { manifestSha256: read.sha256, commit: read.manifest.released.commit }))
      return refuse(
        finding('ATTESTATION_OF_ANOTHER_RUN', `${path} decided on another manifest than this one`, path),
      )
    const summary = summaryIn(statement)
    const sibling = await siblingFindings(bundle, envelope)
    const known = new Set([`${SUMMARY}.dsse.json`, `${SUMMARY}.sigstore.json`])
    return { checked: { summary, sha256: sha256(text), keyId, known }, findings: sibling }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return refuse(finding('ATTESTATION_MALFORMED', `${path} cannot be read: ${message}`, path))
  }
}

async function signerOf(bundle: string, envelope: DsseEnvelope): Promise<string | null> {
  const [signature, ...more] = envelope.signatures
  if (signature === undefined || more.length > 0) throw new Error('it must carry exactly one signature')
  const key = publicKeyFromOwnPem(await readFile(join(bundle, LAYOUT.sealerKeyPem), 'utf8'))
  const keyId = sshFingerprint(sshKeyOf(key))
  return signature.keyid === keyId && isSignedBy(envelope, signature, key) ? keyId : null
}

async function siblingFindings(bundle: string, envelope: DsseEnvelope): Promise<readonly Finding[]> {
  const path = `${LAYOUT.attestations}/${SUMMARY}.sigstore.json`
  const text = await readFile(join(bundle, path), 'utf8').catch(() => null)
  if (text === null) return [finding('ATTESTATION_MISSING', `${path} is missing`, path)]
  if (text === `${JSON.stringify(sigstoreBundle(envelope))}\n`) return []
  return [finding('SIGSTORE_DIFFERS', `${path} does not hold the envelope of ${SUMMARY}.dsse.json`, path)]
}
