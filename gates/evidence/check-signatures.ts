import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { RunVerdict } from '../engine/types.ts'
import { attestationsOf, runIdIn, type Attestation } from './attestations.ts'
import { LAYOUT } from './bundle-layout.ts'
import type { ReadManifest } from './check-files.ts'
import { isSignedBy, parseDsse, payloadOf, type DsseEnvelope } from './dsse.ts'
import { finding, type Finding } from './findings.ts'
import { sigstoreBundle } from './sigstore-bundle.ts'
import { publicKeyFromOwnPem } from './machine-key.ts'
import { sshFingerprint, sshKeyLine, sshKeyOf } from './ssh-key.ts'
import { isAbout, manifestDigestIn, parseStatement, type Statement } from './statement.ts'
import type { Trust } from './trust.ts'

export interface MachineSignatures {
  readonly findings: readonly Finding[]
  /** Names under `attestations/` that this check accounts for. */
  readonly known: ReadonlySet<string>
  /** Fingerprint of the key that signed, where the caller trusts it. */
  readonly signedBy: string | null
}

interface Context {
  readonly bundle: string
  readonly read: ReadManifest
  readonly trust: Trust
  /** The key that the bundle itself carries: good for "intact", never for trust. */
  readonly carried: KeyObject | null
}

/** Second question, for the machine: does a key that the caller named vouch for this manifest and each gate? */
export async function checkMachineSignatures(
  bundle: string,
  read: ReadManifest,
  verdict: RunVerdict,
  trust: Trust,
): Promise<MachineSignatures> {
  const copy = await checkKeyCopy(bundle, read)
  const context = { bundle, read, trust, carried: copy.key }
  const subject = { manifestSha256: read.sha256, commit: read.manifest.released.commit }
  const findings: Finding[] = [...copy.findings]
  const known = new Set<string>()
  for (const expected of attestationsOf(subject, read.manifest, verdict)) {
    known.add(`${expected.name}.dsse.json`).add(`${expected.name}.sigstore.json`)
    findings.push(...(await checkAttestation(context, expected)))
  }
  const keyId = read.manifest.producer.key_id
  return { findings, known, signedBy: findings.length === 0 && trust.machineKeys.has(keyId) ? keyId : null }
}

async function checkKeyCopy(
  bundle: string,
  read: ReadManifest,
): Promise<{ key: KeyObject | null; findings: readonly Finding[] }> {
  const says = (sentence: string) => ({
    key: null,
    findings: [finding('KEY_COPY_CHANGED', sentence, LAYOUT.machineKeyPem)],
  })
  try {
    const pem = await readFile(join(bundle, LAYOUT.machineKeyPem), 'utf8')
    const key = publicKeyFromOwnPem(pem)
    const line = await readFile(join(bundle, LAYOUT.machineKeyLine), 'utf8')
    const ssh = sshKeyOf(key)
    if (sshFingerprint(ssh) !== read.manifest.producer.key_id || line !== `${sshKeyLine(ssh)}\n`)
      return says('the public keys under keys/ are not the one that the manifest names')
    return { key, findings: [] }
  } catch (error) {
    return says(`the public keys under keys/ cannot be read: ${messageOf(error)}`)
  }
}

async function checkAttestation(context: Context, expected: Attestation): Promise<readonly Finding[]> {
  const path = `${LAYOUT.attestations}/${expected.name}.dsse.json`
  const text = await readFile(join(context.bundle, path), 'utf8').catch(() => null)
  if (text === null)
    return [finding('ATTESTATION_MISSING', `${path} is missing: nobody vouches for ${expected.name}`, path)]
  let envelope: DsseEnvelope
  let statement: Statement
  try {
    envelope = parseDsse(text)
    statement = parseStatement(payloadOf(envelope))
  } catch (error) {
    return [finding('ATTESTATION_MALFORMED', `${path} cannot be read: ${messageOf(error)}`, path)]
  }
  const signature = checkSignature(context, envelope, path)
  if (signature !== null && signature.code !== 'NO_TRUST') return [signature]
  const content = checkContent(context, expected, statement, path)
  const sibling = await checkSigstore(context, expected.name, envelope)
  return [signature, content, sibling].filter((one) => one !== null)
}

function checkSignature(context: Context, envelope: DsseEnvelope, path: string): Finding | null {
  const [signature, ...more] = envelope.signatures
  if (signature === undefined || more.length > 0)
    return finding(
      'SIGNATURE_REPEATED',
      `${path} must carry one signature, and carries ${1 + more.length}`,
      path,
    )
  const { keyid } = signature
  if (keyid !== context.read.manifest.producer.key_id)
    return finding('KEY_UNKNOWN', `${path} is signed as ${keyid}, which is not the key of this run`, path)
  const trusted = context.trust.machineKeys.get(keyid)
  const key = trusted ?? context.carried
  if (key === null || !isSignedBy(envelope, signature, key))
    return finding(
      'SIGNATURE_INVALID',
      `the signature in ${path} is not that of ${keyid} over this content`,
      path,
    )
  if (trusted !== undefined) return null
  if (context.trust.machineKeys.size > 0)
    return finding('KEY_UNKNOWN', `${path} is signed by ${keyid}, whom you did not name`, path)
  return finding('NO_TRUST', 'intact, but signed by nobody you named: add --key or --allowed-signers')
}

function checkContent(
  { read }: Context,
  expected: Attestation,
  statement: Statement,
  path: string,
): Finding | null {
  if (manifestDigestIn(statement) !== read.sha256) return anotherManifest(read, statement, path)
  if (!isAbout(statement, { manifestSha256: read.sha256, commit: read.manifest.released.commit }))
    return finding(
      'ATTESTATION_SUBJECT',
      `${path} speaks of other subjects than this manifest and commit`,
      path,
    )
  if (!isDeepStrictEqual(plain(statement), plain(expected.statement)))
    return finding(
      'ATTESTATION_CONTENT',
      `${path} claims something else than verdict.json and the manifest`,
      path,
    )
  return null
}

/** Same run, other manifest: the manifest was edited. Another run: the attestation was brought from there. */
function anotherManifest({ manifest }: ReadManifest, statement: Statement, path: string): Finding {
  if (runIdIn(statement) === manifest.run_id)
    return finding('MANIFEST_CHANGED', `MANIFEST.json is not the one that ${path} vouches for`, path)
  return finding(
    'ATTESTATION_OF_ANOTHER_RUN',
    `${path} vouches for another run than ${manifest.run_id}`,
    path,
  )
}

/** The sigstore file is a second rendering of the same envelope: any difference is somebody's edit. */
async function checkSigstore(
  context: Context,
  name: string,
  envelope: DsseEnvelope,
): Promise<Finding | null> {
  const path = `${LAYOUT.attestations}/${name}.sigstore.json`
  const text = await readFile(join(context.bundle, path), 'utf8').catch(() => null)
  if (text === null)
    return finding('ATTESTATION_MISSING', `${path} is missing, which cosign and its relatives read`, path)
  if (text === `${JSON.stringify(sigstoreBundle(envelope))}\n`) return null
  return finding('SIGSTORE_DIFFERS', `${path} does not hold the envelope of ${name}.dsse.json`, path)
}

/** As JSON sees it: no undefined members, no prototypes. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
