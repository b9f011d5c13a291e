import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunVerdict } from '../engine/types.ts'
import { statedPart } from '../engine/valid-part.ts'
import { checkFiles, type ReadManifest } from '../evidence/check-files.ts'
import { checkMachineSignatures } from '../evidence/check-signatures.ts'
import type { Finding } from '../evidence/findings.ts'
import { parseVerdict } from '../evidence/read-verdict.ts'
import type { Trust } from '../evidence/trust.ts'

/** One bundle as the log tells of it. */
export interface LoggedRun {
  readonly folder: string
  readonly read: ReadManifest | null
  readonly verdict: RunVerdict | null
  /** What speaks against it; a run with a finding is listed, its verdict is not. */
  readonly findings: readonly Finding[]
}

const BENCH_FOLDER = 'bench'

/**
 * Reads every bundle below a folder, oldest first, and checks its files and its machine signatures. The verdicts are
 * not derived again: `./sonia verify` does that, for each of them.
 */
export async function readRuns(artifactsFolder: string, trust: Trust): Promise<readonly LoggedRun[]> {
  const entries = await readdir(artifactsFolder, { withFileTypes: true })
  // Results of benchmarks lie beside the bundles and are none.
  const folders = entries
    .filter((entry) => entry.isDirectory() && entry.name !== BENCH_FOLDER)
    .map(({ name }) => name)
  const runs: LoggedRun[] = []
  for (const folder of folders.toSorted()) runs.push(await readRun(artifactsFolder, folder, trust))
  return runs.toSorted((a, b) => createdAt(a).localeCompare(createdAt(b)))
}

async function readRun(artifactsFolder: string, folder: string, trust: Trust): Promise<LoggedRun> {
  const bundle = join(artifactsFolder, folder)
  const { findings, read } = await checkFiles(bundle)
  if (read === null || findings.length > 0) return { folder, read, verdict: null, findings }
  const verdict = parseVerdict(await readFile(join(bundle, 'verdict.json'), 'utf8'))
  const signed = await checkMachineSignatures(bundle, read, verdict, trust)
  return { folder, read, verdict: signed.findings.length === 0 ? verdict : null, findings: signed.findings }
}

function createdAt({ read }: LoggedRun): string {
  return read?.manifest.created_at ?? ''
}

/** The log as Markdown: what was run, at which commit, what came out, and by which digest to find the evidence. */
export function executionLog(runs: readonly LoggedRun[]): string {
  const counted = runs.filter(({ verdict }) => verdict !== null).length
  return [
    '# Phase 3 execution log',
    '',
    'Rendered by `./sonia release log` from the evidence bundles of the runs that were made; nothing here is typed in.',
    'Each bundle can be checked with `./sonia verify`; a bundle that does not check out is listed without a verdict.',
    '',
    `${runs.length === 1 ? '1 run' : `${runs.length} runs`}, ${counted} of them with whole files and a signature of the named key.`,
    '',
    ...runs.flatMap(runSection),
  ].join('\n')
}

function runSection({ folder, read, verdict, findings }: LoggedRun): readonly string[] {
  if (read === null || verdict === null) {
    const why = findings.map(({ code, sentence }) => `- ${code}: ${sentence}`)
    return [`## ${folder}`, '', 'No verdict: this bundle does not check out.', '', ...why, '']
  }
  const { manifest, sha256 } = read
  const { released, versions } = manifest
  const rows = verdict.gates.map(({ gate, verdict: word, criteria }) => {
    const passed = criteria.filter((one) => one.verdict === 'PASS').length
    return `| ${gate} | ${word} | ${passed} of ${criteria.length} |`
  })
  const objections = verdict.gates
    .flatMap(({ criteria }) => criteria)
    .filter((one) => one.verdict !== 'PASS')
    .map(({ id, sentence }) => `- \`${id}\`: ${sentence}`)
  const parts = verdict.gates.flatMap((gate) => statedPart(gate).map((text) => `- \`${gate.gate}\`: ${text}`))
  const tools = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `## ${manifest.run_id}: ${verdict.verdict}`,
    '',
    `- at ${manifest.created_at}, profile \`${manifest.profile}\`, ${manifest.purpose}`,
    `- commit \`${released.commit}\`${released.dirty ? ', with changes that were not committed' : ''}, version ${released.version}`,
    `- manifest sha256 \`${sha256}\`, signed by ${manifest.producer.key_id}`,
    `- ${tools.join(', ')}`,
    '',
    '| gate | verdict | criteria passed |',
    '|---|---|---|',
    ...rows,
    '',
    ...(objections.length > 0 ? [...objections, ...parts, ''] : []),
    ...(verdict.not_judged.length > 0
      ? [`Not judged at this length: ${verdict.not_judged.map(({ id }) => `\`${id}\``).join(', ')}.`, '']
      : []),
  ]
}
