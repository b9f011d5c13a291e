import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { judgeRunWithAnswers } from '../engine/judge-run.ts'
import type { GateWindow } from '../engine/types.ts'
import type { MachineKey } from '../evidence/machine-key.ts'
import type { Manifest } from '../evidence/manifest.ts'
import { startOverBlocks } from '../evidence/recorded-prometheus.ts'
import { describeReleased } from '../evidence/released.ts'
import { repositoryState } from '../evidence/repository.ts'
import { outputOf } from '../evidence/run-process.ts'
import { writeBundle, type BundlePath } from '../evidence/write-bundle.ts'
import { SIGNED_GATES } from './policy.ts'
import { rehearsalHistory, type RehearsalRepository } from './rehearsal-repository.ts'

export interface EvidenceTools {
  readonly prometheusBinary: string
  readonly promtoolBinary: string
}

export interface RehearsalEvidence {
  readonly scratch: string
  readonly repository: RehearsalRepository
  readonly machine: MachineKey
  readonly nowMs: number
  readonly tools: EvidenceTools
  readonly runId: string
  readonly purpose: Manifest['purpose']
  readonly profile: string
}

const LENGTH = 300
const SCRAPE = 15

/** Records a small history as real blocks, has the real engine judge it, and writes its bundle. */
export async function makeRehearsalBundle(evidence: RehearsalEvidence): Promise<BundlePath> {
  const { scratch, repository, machine, tools, nowMs } = evidence
  const folder = join(scratch, `recording-${evidence.runId}`)
  await mkdir(join(folder, 'rules'), { recursive: true })
  const end = Math.floor(nowMs / 1000 / SCRAPE) * SCRAPE - SCRAPE
  const windows = SIGNED_GATES.map((gate) => ({ gate, start: end - LENGTH, end, planned_seconds: LENGTH }))
  const blocks = await recordBlocks(folder, end, tools)
  await writeFile(join(folder, 'prometheus.yml'), 'global: {}\n')
  const judgement = await judge(evidence, folder, blocks, windows)
  return writeBundle({
    runId: evidence.runId,
    artifactsFolder: join(scratch, 'artifacts'),
    profile: evidence.profile,
    purpose: evidence.purpose,
    createdAtMs: nowMs,
    ...judgement,
    courses: [],
    gateFiles: [],
    prometheus: {
      snapshotFolder: blocks,
      rules: join(folder, 'rules'),
      config: join(folder, 'prometheus.yml'),
    },
    criteriaFolder: repository.criteria,
    windows,
    keys: machine,
    released: await describeReleased({
      repository: repository.path,
      state: await repositoryState(repository.path),
      configurationFile: join(repository.path, 'config', 'sonia.json'),
      policiesFolder: join(repository.path, 'config', 'policies'),
      criteriaFolder: repository.criteria,
      sbom: null,
      imageDigest: null,
    }),
    versions: {},
    sbom: null,
    producerEmails: [],
    secrets: [],
  })
}

async function recordBlocks(folder: string, end: number, tools: EvidenceTools): Promise<string> {
  const metrics = join(folder, 'history.om')
  const blocks = join(folder, 'blocks')
  await writeFile(metrics, rehearsalHistory(end - LENGTH - 2 * SCRAPE, end + SCRAPE, SCRAPE))
  await outputOf(tools.promtoolBinary, ['tsdb', 'create-blocks-from', 'openmetrics', metrics, blocks])
  return blocks
}

async function judge(
  evidence: RehearsalEvidence,
  folder: string,
  blocks: string,
  windows: readonly GateWindow[],
) {
  const judging = join(folder, 'judging')
  await cp(blocks, join(judging, 'blocks'), { recursive: true })
  const prometheus = await startOverBlocks(evidence.tools.prometheusBinary, judging, join(judging, 'blocks'))
  try {
    return await judgeRunWithAnswers({
      criteriaFolder: evidence.repository.criteria,
      windows,
      parameters: { S: SCRAPE },
      prometheusUrl: prometheus.url,
    })
  } finally {
    await prometheus.stop()
    await rm(judging, { recursive: true })
  }
}
