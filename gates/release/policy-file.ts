import { readFile } from 'node:fs/promises'
import { type AllowedSigner, mayUse } from '../evidence/allowed-signers.ts'
import { finding, type Finding } from '../evidence/findings.ts'
import { sha256 } from '../evidence/sha256.ts'
import { sshFingerprint } from '../evidence/ssh-key.ts'
import { parsePolicy, type ReleasePolicy } from './policy.ts'
import { isSshSigned, NAMESPACES, parseSshSignature } from './ssh-signature.ts'

/** Where a project keeps its policy, below the repository; the signature lies beside it. */
export const POLICY_FILE = 'config/release-policy.json'
export const SIGNATURE_SUFFIX = '.sig'

export interface LoadedPolicy {
  readonly policy: ReleasePolicy
  readonly sha256: string
  readonly text: string
  readonly signature: string
}

export interface PolicyTrust {
  /** Lines of an allowed-signers file from outside: who may change the policy. */
  readonly signers: readonly AllowedSigner[]
  readonly atMs: number
  readonly scratchFolder: string
}

/** Reads the policy and its signature; a missing file, a stranger's signature or an expired policy locks everything. */
export async function loadPolicy(
  file: string,
  trust: PolicyTrust,
): Promise<{ readonly loaded: LoadedPolicy | null; readonly findings: readonly Finding[] }> {
  const text = await readFile(file, 'utf8').catch(() => null)
  const signature = await readFile(`${file}${SIGNATURE_SUFFIX}`, 'utf8').catch(() => null)
  if (text === null || signature === null) {
    const missing = text === null ? 'the release policy' : 'the signature of the release policy'
    return {
      loaded: null,
      findings: [finding('POLICY_MISSING', `${missing} is missing: nobody may release`)],
    }
  }
  try {
    const loaded = { policy: parsePolicy(text), sha256: sha256(text), text, signature }
    return { loaded, findings: await policyFindings(loaded, trust) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return {
      loaded: null,
      findings: [finding('POLICY_UNTRUSTED', `the release policy cannot be used: ${message}`)],
    }
  }
}

async function policyFindings(loaded: LoadedPolicy, trust: PolicyTrust): Promise<readonly Finding[]> {
  const { policy } = loaded
  const findings: Finding[] = []
  if (!(await isSignedByTrusted(loaded, trust)))
    findings.push(finding('POLICY_UNTRUSTED', 'the release policy is signed by nobody you named for it'))
  // Written so that a moment of no calendar, which compares with nothing, has passed too.
  if (!(trust.atMs < Date.parse(policy.valid_until)))
    findings.push(finding('POLICY_UNTRUSTED', `the release policy was valid until ${policy.valid_until}`))
  return findings
}

async function isSignedByTrusted(loaded: LoadedPolicy, trust: PolicyTrust): Promise<boolean> {
  const signature = parseSshSignature(loaded.signature)
  const signer = trust.signers.find(
    (one) => sshFingerprint(one.key) === signature.keyId && mayUse(one, NAMESPACES.policy, trust.atMs),
  )
  if (signer === undefined) return false
  const check = {
    message: Buffer.from(loaded.text),
    signature,
    namespace: NAMESPACES.policy,
    key: signer.key,
  }
  return isSshSigned(check, trust.scratchFolder)
}
