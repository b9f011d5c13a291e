import { lstat, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { RunVerdict, Verdict } from '../engine/types.ts'
import { LAYOUT } from './bundle-layout.ts'
import { checkFiles, type ReadManifest } from './check-files.ts'
import { checkMachineSignatures } from './check-signatures.ts'
import { checkVerdict, type RederiveOptions } from './check-verdict.ts'
import { exitCodeOf, finding, type Finding } from './findings.ts'
import type { Manifest } from './manifest.ts'
import { readListed, readManifestOf } from './read-listed.ts'
import { parseVerdict } from './read-verdict.ts'
import { sha256 } from './sha256.ts'
import type { Trust } from './trust.ts'

/** One of the three questions; `null` where an earlier answer leaves nothing to ask. */
export interface Answer {
  readonly isYes: boolean | null
  readonly sentence: string
  readonly findings: readonly Finding[]
}

export interface Verification {
  readonly exitCode: number
  readonly runId: string | null
  readonly manifestSha256: string | null
  /** The commit that was judged; its version of this program is the one that derives the same bytes. */
  readonly commit: string | null
  readonly verdict: Verdict | null
  readonly files: Answer
  readonly signed: Answer
  readonly derived: Answer
}

export interface VerifyOptions extends RederiveOptions {
  readonly trust: Trust
  /** Checks what a release adds beside the machine's attestations; names the files it accounts for. */
  readonly checkRelease?: ReleaseCheck
}

export interface ReleaseFindings {
  readonly findings: readonly Finding[]
  readonly known: ReadonlySet<string>
  /** What the sign-offs amount to; null for a bundle nobody released. */
  readonly sentence: string | null
}

type ReleaseCheck = (bundle: string, read: ReadManifest, verdict: RunVerdict) => Promise<ReleaseFindings>

/** Checks a bundle without believing the machine that made it: three questions, each answered on its own. */
export async function verifyBundle(bundle: string, options: VerifyOptions): Promise<Verification> {
  if (!(await lstat(bundle)).isDirectory()) throw new Error(`${bundle} is not a folder`)
  const { findings, read } = await checkFiles(bundle)
  const verdict = read === null ? null : await readVerdict(bundle, read.manifest)
  if (read === null || verdict === null || verdict instanceof Error)
    return stopped(read, [...findings, ...unusableVerdict(findings, verdict)])
  const chain = await checkChain(bundle, read)
  const files = answer(
    [...findings, ...chain],
    `all ${read.manifest.files.length} files are as the manifest lists them`,
  )
  const signed = await askSigned(bundle, read, verdict, options)
  const derived = files.isYes === true ? await askDerived(bundle, read, verdict, options) : notAsked()
  return {
    exitCode: exitCodeOf([...files.findings, ...signed.findings, ...derived.findings]),
    runId: read.manifest.run_id,
    manifestSha256: read.sha256,
    commit: read.manifest.released.commit,
    verdict: verdict.verdict,
    files,
    signed,
    derived,
  }
}

/** Where the run before this one lies beside it, it must be the one that this one was chained to. */
async function checkChain(bundle: string, { manifest }: ReadManifest): Promise<readonly Finding[]> {
  const { previous } = manifest
  if (previous === null) return []
  const text = await readManifestOf(join(dirname(bundle), basename(previous.run_id))).catch(() => '')
  if (text === null || sha256(text) === previous.manifest_sha256) return []
  return [finding('CHAIN_BROKEN', `the run before, ${previous.run_id}, is not the one this was chained to`)]
}

async function readVerdict(bundle: string, manifest: Manifest): Promise<RunVerdict | Error> {
  try {
    return parseVerdict(await readListed(bundle, manifest, LAYOUT.verdict))
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** A manifest that lists no usable verdict is malformed even where every digest fits. */
function unusableVerdict(
  findings: readonly Finding[],
  verdict: RunVerdict | Error | null,
): readonly Finding[] {
  if (!(verdict instanceof Error) || findings.length > 0) return []
  return [finding('MANIFEST_MALFORMED', `verdict.json cannot be used: ${verdict.message}`, LAYOUT.verdict)]
}

async function askSigned(
  bundle: string,
  read: ReadManifest,
  verdict: RunVerdict,
  options: VerifyOptions,
): Promise<Answer> {
  const machine = await checkMachineSignatures(bundle, read, verdict, options.trust)
  const release = await (options.checkRelease ?? noRelease)(bundle, read, verdict)
  const unknown = await unknownAttestations(bundle, new Set([...machine.known, ...release.known]))
  const findings = merge([...machine.findings, ...unknown, ...release.findings])
  const sentence = `every gate is vouched for by ${machine.signedBy ?? 'a key'}, whom you named`
  return answer(findings, release.sentence === null ? sentence : `${sentence}; ${release.sentence}`)
}

/** The same objection to each of many files is one objection. */
function merge(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Map(findings.map((one) => [`${one.code} ${one.sentence}`, one]))
  return [...seen.values()]
}

async function noRelease(): Promise<ReleaseFindings> {
  return { findings: [], known: new Set(), sentence: null }
}

async function unknownAttestations(bundle: string, known: ReadonlySet<string>): Promise<readonly Finding[]> {
  const names = await readdir(join(bundle, LAYOUT.attestations)).catch(() => [])
  return names
    .filter((name) => !known.has(name))
    .map((name) => `${LAYOUT.attestations}/${name}`)
    .map((path) => finding('ATTESTATION_UNKNOWN', `${path} belongs to nothing that this run claims`, path))
}

async function askDerived(
  bundle: string,
  read: ReadManifest,
  verdict: RunVerdict,
  options: VerifyOptions,
): Promise<Answer> {
  const findings = await checkVerdict(bundle, read.manifest, verdict, options)
  return answer(findings, `${verdict.verdict} follows again from the recorded data, byte for byte`)
}

function answer(findings: readonly Finding[], yes: string): Answer {
  const [first, ...others] = findings
  if (first === undefined) return { isYes: true, sentence: yes, findings }
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  return { isYes: false, sentence: `${first.sentence}${more}`, findings }
}

function notAsked(): Answer {
  return { isYes: null, sentence: 'not asked: the files are not those that were recorded', findings: [] }
}

function stopped(read: ReadManifest | null, findings: readonly Finding[]): Verification {
  return {
    exitCode: exitCodeOf(findings),
    runId: read?.manifest.run_id ?? null,
    manifestSha256: read?.sha256 ?? null,
    commit: read?.manifest.released.commit ?? null,
    verdict: null,
    files: answer(findings, ''),
    signed: {
      isYes: null,
      sentence: 'not asked: there is no manifest and verdict to vouch for',
      findings: [],
    },
    derived: notAsked(),
  }
}
