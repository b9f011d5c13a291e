import { createPublicKey, type KeyObject } from 'node:crypto'
import { mayUse, parseAllowedSigners, type AllowedSigner } from './allowed-signers.ts'
import { cryptoKeyOf, parseSshKey, sshFingerprint, sshKeyOf } from './ssh-key.ts'

/** Namespace that a line of an allowed-signers file needs, where it names any, to vouch for evidence. */
export const EVIDENCE_NAMESPACE = 'sonia-evidence@v1'

/** Whom the caller trusts; it comes from outside the bundle. */
export interface Trust {
  readonly machineKeys: ReadonlyMap<string, KeyObject>
  /** Lines of the allowed-signers file, for signatures of people. */
  readonly signers: readonly AllowedSigner[]
}

export const NO_TRUST: Trust = { machineKeys: new Map(), signers: [] }

/** A public key as PEM or as one OpenSSH line. */
export function trustFromKey(text: string): Trust {
  const publicKey = text.includes('-----BEGIN') ? publicKeyFromPem(text) : cryptoKeyOf(parseSshKey(text))
  if (publicKey === null) throw new Error('evidence is signed with ECDSA P-256; this key is of another type')
  return { machineKeys: new Map([[sshFingerprint(sshKeyOf(publicKey)), publicKey]]), signers: [] }
}

/** Every line that may vouch for evidence now becomes a machine key; all lines stay for signatures of people. */
export function trustFromAllowedSigners(text: string, nowMs: number): Trust {
  const signers = parseAllowedSigners(text)
  const machineKeys = new Map<string, KeyObject>()
  for (const signer of signers) {
    const publicKey = mayUse(signer, EVIDENCE_NAMESPACE, nowMs) ? cryptoKeyOf(signer.key) : null
    if (publicKey !== null) machineKeys.set(sshFingerprint(signer.key), publicKey)
  }
  return { machineKeys, signers }
}

function publicKeyFromPem(text: string): KeyObject {
  if (text.includes('PRIVATE KEY')) throw new Error('this is a private key; name the public one')
  return createPublicKey(text)
}
