import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadCriteriaFolder } from '../engine/load-criteria.ts'
import { serialiseCanonically } from '../engine/serialise-verdict.ts'
import type { CriterionAnswers, GateWindow, RunVerdict } from '../engine/types.ts'
import type { Course } from '../report/courses.ts'
import type { CaseOutcome } from '../security/corpus-case.ts'
import { ATTACKS_PATH, attacksIn } from './attacks-file.ts'
import { renderReport } from '../report/render-report.ts'
import type { ReportFacts } from '../report/report-input.ts'
import { sensitivityCards } from '../sensitivity/sensitivity-cards.ts'
import { answersOfGate, answersPath } from './answers-file.ts'
import { attestationFiles, attestationsOf } from './attestations.ts'
import { LAYOUT, roleOf } from './bundle-layout.ts'
import { coursesPath } from './courses-file.ts'
import { listTree } from './file-tree.ts'
import type { MachineKey } from './machine-key.ts'
import { MANIFEST_FILE, renderManifest, type Manifest, type ManifestFile, type Released } from './manifest.ts'
import { previousBundle } from './previous-bundle.ts'
import { isCriteriaFile } from './released.ts'
import { refuseSecrets } from './secret-scan.ts'
import { cardsOfGate, sensitivityPath } from './sensitivity-file.ts'
import { sha256, sha256OfFile } from './sha256.ts'
import { renderSha256Sums, SHA256SUMS_FILE } from './sha256sums.ts'
import { stageFolder, type StagedFolder } from './staged-folder.ts'
import { summariesOf } from './summaries.ts'

/** A file of a gate: under `gates/<id>/`, or one of the seed's names. */
export interface GateFile {
  readonly path: string
  readonly content: string | Uint8Array | { readonly file: string }
}

export interface BundleRequest {
  readonly runId: string
  readonly artifactsFolder: string
  readonly profile: string
  readonly purpose: Manifest['purpose']
  readonly createdAtMs: number
  readonly verdict: RunVerdict
  /** Raw answers behind the verdict; written as `gates/<gate>/answers.json` and derived again by `verify`. */
  readonly answers: readonly CriterionAnswers[]
  /** Pictures of how it went, asked of the same Prometheus; written as `gates/<gate>/courses.json`. */
  readonly courses: readonly Course[]
  readonly gateFiles: readonly GateFile[]
  readonly prometheus: {
    readonly snapshotFolder: string
    /** Folder of rule files. */
    readonly rules: string
    /** The configuration file that Prometheus ran with. */
    readonly config: string
  }
  readonly criteriaFolder: string
  readonly windows: readonly GateWindow[]
  readonly keys: MachineKey
  readonly released: Released
  readonly versions: Readonly<Record<string, string>>
  /** CycloneDX text whose digest `released` names; null where none was made. */
  readonly sbom: string | null
  /** E-mail addresses of whoever produced this evidence: they cannot sign it off. */
  readonly producerEmails: readonly string[]
  /** Secrets of this stack; a bundle that holds one is not written. */
  readonly secrets: readonly string[]
}

export interface BundlePath {
  readonly path: string
  readonly manifestSha256: string
}

/** Writes a bundle beside its place, signs it, syncs it and renames it there: it appears whole or not at all. */
export async function writeBundle(request: BundleRequest): Promise<BundlePath> {
  const facts = await factsOf(request)
  const target = join(request.artifactsFolder, request.runId)
  const staged = await stageFolder(target)
  try {
    await writeContent(staged, request, facts)
    await refuseSecrets(staged.path, request.secrets)
    const manifest = { ...facts, files: await describeFiles(staged.path) }
    const manifestSha256 = await writeSeals(staged, manifest, request)
    await staged.publish()
    return { path: target, manifestSha256 }
  } catch (error) {
    await staged.discard()
    throw error
  }
}

async function factsOf(request: BundleRequest): Promise<ReportFacts> {
  return {
    format: 'sonia-manifest/1',
    run_id: request.runId,
    profile: request.profile,
    purpose: request.purpose,
    created_at: new Date(request.createdAtMs).toISOString(),
    producer: { key_id: request.keys.keyId, emails: [...request.producerEmails] },
    released: request.released,
    versions: { ...request.versions },
    previous: await previousBundle(request.artifactsFolder),
  }
}

async function writeContent(staged: StagedFolder, request: BundleRequest, facts: ReportFacts): Promise<void> {
  const { verdict, answers, courses } = request
  const cards = sensitivityCards({ verdict, answers }, await loadCriteriaFolder(request.criteriaFolder))
  await staged.write(LAYOUT.verdict, serialiseCanonically(verdict))
  await staged.write(
    LAYOUT.inputs,
    serialiseCanonically({ parameters: verdict.parameters, windows: request.windows }),
  )
  await staged.write(
    LAYOUT.report,
    renderReport({ facts, verdict, answers, courses, cards, attacks: attacksOf(request.gateFiles) }),
  )
  if (request.sbom !== null) await staged.write(LAYOUT.sbom, request.sbom)
  for (const gate of verdict.gates)
    await staged.write(answersPath(gate.gate), serialiseCanonically(answersOfGate(answers, gate.gate)))
  for (const { gate } of verdict.gates)
    await staged.write(sensitivityPath(gate), serialiseCanonically(cardsOfGate(cards, gate)))
  for (const gate of new Set(courses.map((one) => one.gate)))
    await staged.write(coursesPath(gate), serialiseCanonically(courses.filter((one) => one.gate === gate)))
  for (const file of request.gateFiles) await writeGateFile(staged, file)
  const given = new Set(request.gateFiles.map((file) => file.path))
  for (const [path, content] of summariesOf(verdict)) if (!given.has(path)) await staged.write(path, content)
  await copyRecording(staged, request)
}

function attacksOf(files: readonly GateFile[]): readonly CaseOutcome[] {
  const content = files.find(({ path }) => path === ATTACKS_PATH)?.content
  return attacksIn(typeof content === 'string' ? content : null)
}

async function writeGateFile(staged: StagedFolder, file: GateFile): Promise<void> {
  roleOf(file.path)
  const { content } = file
  if (typeof content === 'string' || content instanceof Uint8Array) await staged.write(file.path, content)
  else await staged.copy(content.file, file.path)
}

async function copyRecording(staged: StagedFolder, request: BundleRequest): Promise<void> {
  const { prometheus, criteriaFolder } = request
  await copyTree(staged, prometheus.snapshotFolder, LAYOUT.blocks)
  await copyTree(
    staged,
    prometheus.rules,
    LAYOUT.rules,
    (path) => path.endsWith('.yml') && !path.endsWith('.test.yml'),
  )
  await copyTree(staged, criteriaFolder, LAYOUT.criteria, isCriteriaFile)
  await staged.write(LAYOUT.prometheusConfig, await readFile(prometheus.config))
}

async function copyTree(
  staged: StagedFolder,
  from: string,
  to: string,
  keep: (path: string) => boolean = () => true,
): Promise<void> {
  for (const entry of await listTree(from)) {
    if (!keep(entry.path)) continue
    if (entry.kind !== 'file') throw new Error(`${entry.path} in ${to} is not a regular file`)
    await staged.copy(join(from, entry.path), `${to}/${entry.path}`)
  }
}

async function describeFiles(root: string): Promise<ManifestFile[]> {
  const files: ManifestFile[] = []
  for (const { path, size } of await listTree(root))
    files.push({ path, size, sha256: await sha256OfFile(join(root, path)), mode: '0444', role: roleOf(path) })
  return files
}

async function writeSeals(staged: StagedFolder, manifest: Manifest, request: BundleRequest): Promise<string> {
  const { keys, verdict } = request
  const text = renderManifest(manifest)
  const manifestSha256 = sha256(text)
  await staged.write(MANIFEST_FILE, text)
  await staged.write(SHA256SUMS_FILE, renderSha256Sums(manifest, manifestSha256))
  await staged.write(LAYOUT.machineKeyPem, keys.publicKeyPem)
  await staged.write(LAYOUT.machineKeyLine, `${keys.publicKeyLine}\n`)
  const subject = { manifestSha256, commit: manifest.released.commit }
  for (const attestation of attestationsOf(subject, manifest, verdict))
    for (const [name, content] of attestationFiles(attestation, keys))
      await staged.write(`${LAYOUT.attestations}/${name}`, content)
  return manifestSha256
}
