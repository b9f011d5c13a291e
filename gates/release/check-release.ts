import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { RunVerdict } from '../engine/types.ts'
import { LAYOUT } from '../evidence/bundle-layout.ts'
import type { ReadManifest } from '../evidence/check-files.ts'
import { presentOf } from '../evidence/file-tree.ts'
import { finding, type Finding, type FindingCode } from '../evidence/findings.ts'
import { sha256 } from '../evidence/sha256.ts'
import type { Trust } from '../evidence/trust.ts'
import type { ReleaseFindings } from '../evidence/verify-bundle.ts'
import { tagNames, type Candidate } from './candidate.ts'
import { checkClone, checkCommit } from './check-clone.ts'
import { checkLooseSignOffs } from './check-loose-sign-offs.ts'
import { checkSummary, type CheckedSummary } from './check-summary.ts'
import { loadPolicy, type LoadedPolicy } from './policy-file.ts'
import { readSignOffs, type SignOffs } from './read-sign-offs.ts'
import { renderPages } from './rendered-pages.ts'
import { objectionsToEvidence } from './release-facts.ts'
import { checkTag, type TagClaim } from './release-tag.ts'
import { inputAttestations, SUMMARY, VERIFIED_LEVELS } from './verification-summary.ts'

export interface ReleaseCheckOptions {
  readonly trust: Trust
  readonly scratchFolder: string
  /** A clone to compare the sealed tags with, where it has the commit; null to compare with none. */
  readonly repository: string | null
}

/**
 * What a clone knows of the commit, and what a release adds to a bundle, checked as of the moment it was sealed. Of a
 * bundle that nobody sealed only sign-offs are checked.
 */
export async function checkRelease(
  bundle: string,
  read: ReadManifest,
  verdict: RunVerdict,
  options: ReleaseCheckOptions,
): Promise<ReleaseFindings> {
  const commit = await checkCommit(read, options.repository)
  const rest = await checkPeople(bundle, read, verdict, options)
  return { ...rest, findings: [...commit, ...rest.findings] }
}

async function checkPeople(
  bundle: string,
  read: ReadManifest,
  verdict: RunVerdict,
  options: ReleaseCheckOptions,
): Promise<ReleaseFindings> {
  const sealed = await presentOf(bundle, [
    `${LAYOUT.attestations}/${SUMMARY}.dsse.json`,
    LAYOUT.policy,
    LAYOUT.checklist,
  ])
  if (sealed.length === 0) return checkLooseSignOffs(bundle, read, options.scratchFolder)
  const summary = await checkSummary(bundle, read)
  if (summary.checked === null) return { findings: summary.findings, known: new Set(), sentence: null }
  const rest = await checkSealed({ bundle, read, verdict, options, checked: summary.checked })
  return { ...rest, findings: [...summary.findings, ...rest.findings] }
}

interface Sealed {
  readonly bundle: string
  readonly read: ReadManifest
  readonly verdict: RunVerdict
  readonly options: ReleaseCheckOptions
  readonly checked: CheckedSummary
}

async function checkSealed(sealed: Sealed): Promise<ReleaseFindings> {
  const { bundle, read, checked, options } = sealed
  const { summary } = checked
  const atMs = Date.parse(summary.timeVerified)
  const { scratchFolder } = options
  const trust = { signers: options.trust.signers, atMs, scratchFolder }
  const { loaded, findings: policyFindings } = await loadPolicy(join(bundle, LAYOUT.policy), trust)
  if (loaded === null) return { findings: policyFindings, known: checked.known, sentence: null }
  const signOffs = await readSignOffs(bundle, { policy: loaded.policy, read, atMs }, scratchFolder)
  const tags = await checkTags(sealed, loaded)
  const findings = [
    ...policyFindings,
    ...summaryFindings(checked, loaded, await inputAttestations(bundle)),
    ...objectionsToEvidence(read, sealed.verdict, loaded.policy, {
      nowMs: atMs,
      purpose: read.manifest.purpose,
    }),
    ...signOffs.faults,
    ...signOffs.missing,
    ...(await pageFindings(sealed, signOffs)),
    ...tags.findings,
  ]
  const known = new Set([...checked.known, ...signOffs.names, ...tags.names])
  return { findings, known, sentence: sentenceOf(read, summary.sonia, signOffs) }
}

function sentenceOf(read: ReadManifest, candidate: Candidate, signOffs: SignOffs): string {
  const people = new Set(signOffs.states.flatMap((state) => state.approvals.map((one) => one.person.name)))
  const what = `release candidate ${candidate.number} of version ${candidate.version}, approved by ${[...people].join(', ')}`
  return read.manifest.purpose === 'rehearsal' ? `${what} in a rehearsal that releases nothing` : what
}

function summaryFindings(
  { summary, keyId }: CheckedSummary,
  loaded: LoadedPolicy,
  inputs: CheckedSummary['summary']['inputAttestations'],
): readonly Finding[] {
  const path = `${LAYOUT.attestations}/${SUMMARY}.dsse.json`
  const no = (sentence: string) => finding('ATTESTATION_CONTENT', `${path} ${sentence}`, path)
  const isKnown = loaded.policy.machines.some((one) => one.key_id === keyId)
  const isRevoked = loaded.policy.revoked.some((one) => one.key_id === keyId)
  return [
    ...(isKnown
      ? []
      : [finding('KEY_UNKNOWN', `${path} is signed by ${keyId}, which is no machine of the policy`, path)]),
    ...(isRevoked ? [finding('KEY_REVOKED', `${path} is signed by ${keyId}, which was revoked`, path)] : []),
    ...(summary.policy.digest.sha256 === loaded.sha256
      ? []
      : [no('rests on another policy than the one here')]),
    ...(isDeepStrictEqual(summary.inputAttestations, inputs)
      ? []
      : [no('rests on other attestations and sign-offs than those here')]),
    ...(isDeepStrictEqual(summary.verifiedLevels, VERIFIED_LEVELS)
      ? []
      : [no('claims other levels than a release has')]),
  ]
}

async function pageFindings(sealed: Sealed, signOffs: SignOffs): Promise<readonly Finding[]> {
  const { bundle, read, verdict, checked } = sealed
  const { sonia, timeVerified } = checked.summary
  const rendered = await renderPages({
    bundle,
    read,
    verdict,
    states: signOffs.states,
    candidate: sonia,
    decidedAt: timeVerified,
  })
  const check = async (path: string, page: string, digest: string, code: FindingCode) => {
    const text = await readFile(join(bundle, path), 'utf8').catch(() => null)
    if (text === null) return [finding('FILE_MISSING', `${path} is missing`, path)]
    if (text === page && sha256(text) === digest) return []
    return [finding(code, `${path} is not what the signatures here say`, path)]
  }
  return [
    ...(await check(LAYOUT.checklist, rendered.checklist, sonia.checklist_sha256, 'CHECKLIST_CHANGED')),
    ...(await check(LAYOUT.releasePage, rendered.page, sonia.page_sha256, 'RELEASE_PAGE_CHANGED')),
  ]
}

async function checkTags(
  sealed: Sealed,
  loaded: LoadedPolicy,
): Promise<{ readonly names: readonly string[]; readonly findings: readonly Finding[] }> {
  const { bundle, read, checked, options } = sealed
  const context = {
    policy: loaded.policy,
    read,
    atMs: Date.parse(checked.summary.timeVerified),
    scratchFolder: options.scratchFolder,
  }
  const findings: Finding[] = []
  const names: string[] = []
  for (const name of tagNames(checked.summary.sonia)) {
    names.push(tagFile(name))
    const raw = await readFile(join(bundle, LAYOUT.attestations, tagFile(name)), 'utf8').catch(() => null)
    if (raw === null) {
      findings.push(finding('TAG_MISSING', `the tag ${name} is not in the sealed folder`))
      continue
    }
    const claim = tagClaim(name, read, checked)
    findings.push(
      ...(await checkTag(raw, claim, context)),
      ...(await checkClone(raw, claim, options.repository)),
    )
  }
  return { names, findings }
}

export function tagFile(name: string): string {
  return `${name}.tag`
}

function tagClaim(name: string, read: ReadManifest, checked: CheckedSummary): TagClaim {
  return {
    name,
    commit: read.manifest.released.commit,
    candidate: checked.summary.sonia,
    runId: read.manifest.run_id,
    manifestSha256: read.sha256,
    summarySha256: checked.sha256,
  }
}
