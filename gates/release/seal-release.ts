import { chmod, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunVerdict } from '../engine/types.ts'
import { envelopeFiles } from '../evidence/attestations.ts'
import { LAYOUT } from '../evidence/bundle-layout.ts'
import type { ReadManifest } from '../evidence/check-files.ts'
import { signDsse } from '../evidence/dsse.ts'
import { listTree } from '../evidence/file-tree.ts'
import { finding, type Finding } from '../evidence/findings.ts'
import type { MachineKey } from '../evidence/machine-key.ts'
import { refuseSecrets } from '../evidence/secret-scan.ts'
import { sha256 } from '../evidence/sha256.ts'
import { stageFolder, type StagedFolder } from '../evidence/staged-folder.ts'
import { statementBytes } from '../evidence/statement.ts'
import { candidateName, nextNumber, tagNames, type Candidate } from './candidate.ts'
import { tagFile } from './check-release.ts'
import type { TopicState } from './judge-sign-offs.ts'
import type { Person } from './policy.ts'
import { parsePolicy } from './policy.ts'
import type { LoadedPolicy } from './policy-file.ts'
import { renderPages } from './rendered-pages.ts'
import { ReleaseRefused } from './release-refused.ts'
import { releaseState, type ReleaseOptions, type ReleaseState } from './release-state.ts'
import { checkTag, deleteTag, gitAcceptsTag, makeTag, type TagClaim, type TagSigner } from './release-tag.ts'
import { objectionsToTree } from './released-tree.ts'
import { inputAttestations, SUMMARY, summaryStatement, VERIFIED_LEVELS } from './verification-summary.ts'

export interface SealOptions extends ReleaseOptions {
  readonly repository: string
  readonly artifactsFolder: string
  /** Key of this machine; the policy must know it. */
  readonly machineKey: MachineKey
  /** Who signs the tags, with which key. */
  readonly person: string
  readonly keyFile: string
}

export interface SealedRelease {
  readonly candidate: Candidate
  readonly path: string
  readonly tags: readonly string[]
}

/** What a release is made of, once nothing stands in its way. */
interface Ready {
  readonly read: ReadManifest
  readonly verdict: RunVerdict
  readonly policy: LoadedPolicy
  readonly states: readonly TopicState[]
  readonly person: Person
}

/** Gate 6: refuses unless everything stands; then seals the bundle, tags the commit under both names, and checks both. */
export async function sealRelease(options: SealOptions): Promise<SealedRelease> {
  const ready = await refuseUnlessReady(options)
  const { version } = ready.read.manifest.released
  const number = await nextNumber(options.repository, options.artifactsFolder)
  const candidate = { number, version }
  const target = join(options.artifactsFolder, candidateName(candidate))
  const staged = await stageFolder(target)
  const made: string[] = []
  try {
    const summarySha256 = await writeSeals(staged, options, ready, candidate)
    for (const name of tagNames(candidate)) {
      const claim = claimOf(name, ready.read, candidate, summarySha256)
      const raw = await makeTag(options.repository, claim, signerOf(options, ready.person))
      made.push(name)
      await refuseBadTag(raw, claim, options, ready)
      await staged.write(`${LAYOUT.attestations}/${tagFile(name)}`, raw)
    }
    await refuseSecrets(staged.path, [])
    await staged.publish()
    await lockFolders(target)
    return { candidate, path: target, tags: made }
  } catch (error) {
    await staged.discard()
    for (const name of made) await deleteTag(options.repository, name)
    throw error
  }
}

async function refuseUnlessReady(options: SealOptions): Promise<Ready> {
  const state = await releaseState(options)
  const findings = [...state.findings, ...(await objectionsToSealing(options, state))]
  if (findings.length > 0) throw new ReleaseRefused(findings)
  const { read, verdict, policy, signOffs } = state
  const person = policy?.policy.people.find((one) => one.name === options.person)
  if (read === null || verdict === null || policy === null || signOffs === null || person === undefined)
    throw new Error('nothing objects, and yet something is missing')
  return { read, verdict, policy, states: signOffs.states, person }
}

/** What stands against sealing here and now, besides what stands against the bundle. */
async function objectionsToSealing(
  options: SealOptions,
  { read, policy }: ReleaseState,
): Promise<readonly Finding[]> {
  const ofTree = read === null ? [] : await objectionsToTree(options.repository, read.manifest)
  if (policy === null) return ofTree
  const { people, machines } = policy.policy
  const { keyId } = options.machineKey
  const isMachine = machines.some((one) => one.key_id === keyId)
  return [
    ...ofTree,
    ...(await objectionsToPolicyVersion(options.artifactsFolder, policy)),
    ...(isMachine ? [] : [finding('KEY_UNKNOWN', `this machine, ${keyId}, may not seal a release`)]),
    ...(people.some((one) => one.name === options.person)
      ? []
      : [finding('TAG_SIGNER', `${options.person} is nobody the policy knows`)]),
  ]
}

/** A policy that a newer one replaced must not come back: it may still trust who was removed. */
async function objectionsToPolicyVersion(
  artifactsFolder: string,
  { policy }: LoadedPolicy,
): Promise<readonly Finding[]> {
  const names = await readdir(artifactsFolder).catch(() => [])
  for (const name of names.filter((one) => one.startsWith('release-candidate-'))) {
    const text = await readFile(join(artifactsFolder, name, LAYOUT.policy), 'utf8').catch(() => null)
    const sealed = text === null ? null : parsePolicy(text).version
    if (sealed !== null && sealed > policy.version)
      return [
        finding(
          'POLICY_UNTRUSTED',
          `${name} was sealed under policy ${sealed}; this is the older ${policy.version}`,
        ),
      ]
  }
  return []
}

async function writeSeals(
  staged: StagedFolder,
  options: SealOptions,
  ready: Ready,
  candidate: Candidate,
): Promise<string> {
  const { read, verdict, policy, states } = ready
  for (const { path } of await listTree(options.bundle)) await staged.copy(join(options.bundle, path), path)
  const decidedAt = new Date(options.nowMs).toISOString()
  const pages = await renderPages({ bundle: options.bundle, read, verdict, states, candidate, decidedAt })
  await staged.write(LAYOUT.checklist, pages.checklist)
  await staged.write(LAYOUT.releasePage, pages.page)
  await staged.write(LAYOUT.policy, policy.text)
  await staged.write(LAYOUT.policySignature, policy.signature)
  await staged.write(LAYOUT.sealerKeyPem, options.machineKey.publicKeyPem)
  const statement = summaryStatement(
    { manifestSha256: read.sha256, commit: read.manifest.released.commit },
    {
      verifier: { id: `urn:sonia:machine:${options.machineKey.keyId}` },
      timeVerified: decidedAt,
      resourceUri: `git:${read.manifest.released.commit}`,
      policy: { uri: LAYOUT.policy, digest: { sha256: policy.sha256 } },
      inputAttestations: await inputAttestations(options.bundle),
      verificationResult: 'PASSED',
      verifiedLevels: VERIFIED_LEVELS,
      sonia: {
        run_id: read.manifest.run_id,
        ...candidate,
        released_by: ready.person.name,
        checklist_sha256: sha256(pages.checklist),
        page_sha256: sha256(pages.page),
        previous_sha256: read.manifest.previous?.manifest_sha256 ?? null,
      },
    },
  )
  const files = envelopeFiles(SUMMARY, signDsse(statementBytes(statement), options.machineKey))
  for (const [name, content] of files) await staged.write(`${LAYOUT.attestations}/${name}`, content)
  return sha256(files[0]?.[1] ?? '')
}

function signerOf({ keyFile }: SealOptions, person: Person): TagSigner {
  return { name: person.name, email: person.emails[0] ?? person.name, keyFile }
}

/** Both git and our own check must accept what was just made: a key that may not release shows here. */
async function refuseBadTag(
  raw: string,
  claim: TagClaim,
  options: SealOptions,
  { read, policy }: Ready,
): Promise<void> {
  const { nowMs: atMs, scratchFolder, repository } = options
  const context = { policy: policy.policy, read, atMs, scratchFolder }
  const findings = await checkTag(raw, claim, context)
  if (findings.length > 0) throw new ReleaseRefused(findings)
  if (!(await gitAcceptsTag(repository, claim.name, context)))
    throw new ReleaseRefused([finding('TAG_SIGNER', `git verify-tag does not accept ${claim.name}`)])
}

function claimOf(name: string, read: ReadManifest, candidate: Candidate, summarySha256: string): TagClaim {
  return {
    name,
    commit: read.manifest.released.commit,
    candidate,
    runId: read.manifest.run_id,
    manifestSha256: read.sha256,
    summarySha256,
  }
}

/** Nothing can be added to or removed from a sealed folder without first saying so to the file system. */
async function lockFolders(root: string): Promise<void> {
  for (const entry of await readdir(root, { withFileTypes: true }))
    if (entry.isDirectory()) await lockFolders(join(root, entry.name))
  await chmod(root, 0o555)
}
