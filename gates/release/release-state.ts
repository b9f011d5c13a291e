import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunVerdict } from '../engine/types.ts'
import type { AllowedSigner } from '../evidence/allowed-signers.ts'
import { LAYOUT } from '../evidence/bundle-layout.ts'
import { checkFiles, type ReadManifest } from '../evidence/check-files.ts'
import type { Finding } from '../evidence/findings.ts'
import type { Manifest } from '../evidence/manifest.ts'
import { parseVerdict } from '../evidence/read-verdict.ts'
import { NO_TRUST, type Trust, trustFromKey } from '../evidence/trust.ts'
import { verifyBundle, type Verification } from '../evidence/verify-bundle.ts'
import { checkLooseSignOffs } from './check-loose-sign-offs.ts'
import { loadPolicy, type LoadedPolicy } from './policy-file.ts'
import { readSignOffs, type SignOffs } from './read-sign-offs.ts'
import { objectionsToEvidence } from './release-facts.ts'

export interface ReleaseOptions {
  readonly bundle: string
  readonly policyFile: string
  /** Who may change the policy; it comes from outside the repository. */
  readonly policySigners: readonly AllowedSigner[]
  readonly purpose: Manifest['purpose']
  readonly nowMs: number
  readonly scratchFolder: string
  readonly prometheusBinary: string
}

/** Where a bundle stands on its way to a release. */
export interface ReleaseState {
  readonly read: ReadManifest | null
  readonly verdict: RunVerdict | null
  readonly policy: LoadedPolicy | null
  readonly verification: Verification | null
  readonly signOffs: SignOffs | null
  /** All that stands in the way; empty means that it may be tagged, as far as the bundle and people go. */
  readonly findings: readonly Finding[]
}

/** Reads everything that bears on a release. Nothing that is absent counts for it. */
export async function releaseState(options: ReleaseOptions): Promise<ReleaseState> {
  const { policyFile, policySigners, nowMs, scratchFolder, bundle } = options
  const trust = { signers: policySigners, atMs: nowMs, scratchFolder }
  const { loaded, findings: policyFindings } = await loadPolicy(policyFile, trust)
  const { read } = await checkFiles(bundle)
  if (loaded === null || read === null) return unusable(options, read, loaded, policyFindings)
  const verification = await verify(options, await machineTrust(bundle, loaded))
  const ofBundle = [verification.files, verification.signed, verification.derived].flatMap(
    (one) => one.findings,
  )
  const verdict = verification.verdict === null ? null : await verdictOf(bundle)
  if (verdict === null)
    return {
      read,
      verdict,
      policy: loaded,
      verification,
      signOffs: null,
      findings: [...policyFindings, ...ofBundle],
    }
  const context = { policy: loaded.policy, read, atMs: nowMs }
  const signOffs = await readSignOffs(bundle, context, scratchFolder)
  const evidence = objectionsToEvidence(read, verdict, loaded.policy, options)
  const findings = [...policyFindings, ...ofBundle, ...evidence, ...signOffs.faults, ...signOffs.missing]
  return { read, verdict, policy: loaded, verification, signOffs, findings }
}

async function unusable(
  options: ReleaseOptions,
  read: ReadManifest | null,
  policy: LoadedPolicy | null,
  policyFindings: readonly Finding[],
): Promise<ReleaseState> {
  const verification = await verify(options, NO_TRUST)
  const ofBundle = [...verification.files.findings, ...verification.derived.findings]
  return {
    read,
    verdict: null,
    policy,
    verification,
    signOffs: null,
    findings: [...policyFindings, ...ofBundle],
  }
}

function verify(options: ReleaseOptions, trust: Trust): Promise<Verification> {
  const { bundle, prometheusBinary, scratchFolder } = options
  return verifyBundle(bundle, {
    trust,
    prometheusBinary,
    scratchFolder,
    checkRelease: (at, read) => checkLooseSignOffs(at, read, scratchFolder),
  })
}

async function verdictOf(bundle: string): Promise<RunVerdict> {
  return parseVerdict(await readFile(join(bundle, LAYOUT.verdict), 'utf8'))
}

/** The policy names machines by fingerprint, which settles the key: the copy in the bundle is that one or none. */
async function machineTrust(bundle: string, { policy }: LoadedPolicy): Promise<Trust> {
  const pem = await readFile(join(bundle, LAYOUT.machineKeyPem), 'utf8').catch(() => null)
  if (pem === null) return NO_TRUST
  const carried = trustFromKey(pem)
  const isKnown = [...carried.machineKeys.keys()].every((keyId) =>
    policy.machines.some((one) => one.key_id === keyId),
  )
  return isKnown ? carried : NO_TRUST
}
