import { chmod, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { judgeRunWithAnswers } from '../engine/judge-run.ts'
import { PROMTOOL_FILE, PROMETHEUS_FILE } from './testing-tools.ts'
import { newMachineKey, type MachineKey } from './machine-key.ts'
import { describeReleased } from './released.ts'
import { repositoryState } from './repository.ts'
import { startOverBlocks } from './recorded-prometheus.ts'
import { outputOf } from './run-process.ts'
import { writeBundle, type BundlePath, type BundleRequest } from './write-bundle.ts'

const START = 1_790_000_400
const LENGTH = 300
const SCRAPE = 5

export interface Recording {
  readonly folder: string
  readonly blocks: string
  readonly criteria: string
  readonly repository: string
}

/** A folder of its own for a test, removed by the caller. */
export function scratchFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'sonia-evidence-'))
}

/** A recorded history as real blocks, criteria over it, and a repository with one commit that it belongs to. */
export async function makeRecording(folder: string, errors = 0): Promise<Recording> {
  const blocks = join(folder, 'blocks')
  const metrics = join(folder, 'history.om')
  await writeFile(metrics, history(errors))
  await outputOf(PROMTOOL_FILE, ['tsdb', 'create-blocks-from', 'openmetrics', metrics, blocks])
  const criteria = join(folder, 'criteria')
  await mkdir(criteria)
  for (const [gate, text] of Object.entries(CRITERIA)) await writeFile(join(criteria, `${gate}.yaml`), text)
  await mkdir(join(folder, 'rules'))
  await writeFile(join(folder, 'rules', 'recording.yml'), 'groups: []\n')
  await writeFile(join(folder, 'prometheus.yml'), 'global: {scrape_interval: 5s}\n')
  const repository = await makeRepository(join(folder, 'repository'), criteria)
  return { folder, blocks, criteria, repository }
}

/** Judges the recording for real and writes its bundle under `<folder>/artifacts`. */
export async function makeBundle(
  recording: Recording,
  changes: Partial<BundleRequest> & { readonly keys?: MachineKey } = {},
): Promise<BundlePath & { readonly keys: MachineKey }> {
  const { folder, blocks, criteria, repository } = recording
  const keys = changes.keys ?? newMachineKey()
  const windows = Object.keys(CRITERIA).map((gate) => ({
    gate,
    start: START,
    end: START + LENGTH,
    planned_seconds: LENGTH,
  }))
  const judgement = await judge(recording, windows)
  const state = await repositoryState(repository)
  const written = await writeBundle({
    runId: 'run-1',
    artifactsFolder: join(folder, 'artifacts'),
    profile: 'smoke',
    purpose: 'run',
    createdAtMs: (START + LENGTH) * 1000,
    ...judgement,
    courses: [],
    gateFiles: [{ path: 'gates/soak/k6.log', content: 'delivered 300 of 300\n' }],
    prometheus: {
      snapshotFolder: blocks,
      rules: join(folder, 'rules'),
      config: join(folder, 'prometheus.yml'),
    },
    criteriaFolder: criteria,
    windows,
    keys,
    released: await describeReleased({
      repository,
      state,
      configurationFile: join(repository, 'config', 'sonia.json'),
      policiesFolder: join(repository, 'config', 'policies'),
      criteriaFolder: criteria,
      sbom: null,
      imageDigest: null,
    }),
    versions: { prometheus: '3.16.0' },
    sbom: null,
    producerEmails: ['runner@example.org'],
    secrets: [],
    ...changes,
  })
  return { ...written, keys }
}

/** A copy of a bundle that a test may damage: same bytes, and modes that let it. */
export async function copyForDamage(bundle: string, to: string): Promise<string> {
  await cp(bundle, to, { recursive: true, verbatimSymlinks: true })
  return to
}

/** Overwrites a read-only file of a copy and leaves it read-only, as a careful forger would. */
export async function overwrite(path: string, content: string | Uint8Array): Promise<void> {
  await chmod(path, 0o644)
  await writeFile(path, content)
  await chmod(path, 0o444)
}

export { PROMETHEUS_FILE }

async function judge(recording: Recording, windows: BundleRequest['windows']) {
  const scratch = join(recording.folder, 'judging')
  await cp(recording.blocks, join(scratch, 'blocks'), { recursive: true })
  const prometheus = await startOverBlocks(PROMETHEUS_FILE, scratch, join(scratch, 'blocks'))
  try {
    return await judgeRunWithAnswers({
      criteriaFolder: recording.criteria,
      windows,
      parameters: { S: SCRAPE },
      prometheusUrl: prometheus.url,
    })
  } finally {
    await prometheus.stop()
    await rm(scratch, { recursive: true })
  }
}

async function makeRepository(path: string, criteria: string): Promise<string> {
  await mkdir(join(path, 'config', 'policies'), { recursive: true })
  await mkdir(join(path, 'gates'))
  await cp(criteria, join(path, 'gates', 'criteria'), { recursive: true })
  await writeFile(join(path, 'package.json'), '{"name":"released","version":"1.0.0"}\n')
  await writeFile(join(path, 'package-lock.json'), '{"lockfileVersion":3}\n')
  await writeFile(join(path, 'config', 'sonia.json'), '{}\n')
  await writeFile(join(path, 'config', 'policies', 'shell.json'), '{"allow":[]}\n')
  const git = (...args: string[]) => outputOf('git', args, { cwd: path })
  await git('init', '-q', '-b', 'main')
  await git('config', 'user.name', 'The Author')
  await git('config', 'user.email', 'author@example.org')
  await git('add', '.')
  await git('commit', '-q', '-m', 'What is to be released')
  return path
}

function history(errors: number): string {
  const times = Array.from({ length: LENGTH / SCRAPE + 20 }, (_, index) => START - 50 + index * SCRAPE)
  const series = (labels: string, at: (index: number) => number) =>
    times.map((time, index) => `chat_responses_total${labels} ${at(index)} ${time}`)
  return [
    '# TYPE chat_responses counter',
    ...series('{outcome="ok"}', (index) => index * 50),
    ...series('{outcome="error"}', (index) => Math.floor((index * errors) / times.length)),
    '# TYPE cycles gauge',
    ...times.map((time) => `cycles{outcome="ok"} 3 ${time}`),
    '# EOF',
    '',
  ].join('\n')
}

const CRITERIA: Readonly<Record<string, string>> = {
  'go-no-go': `gate: go-no-go
title: Starts and stops
criteria:
  - id: go-no-go.cycles
    title: Cycles of start and stop
    why: seed gate 1, every cycle succeeds
    unit: count
    judge: { kind: count, value: 'cycles{outcome="ok"}', of: 3 }
`,
  soak: `gate: soak
title: Soak
criteria:
  - id: soak.error-ratio
    title: Error ratio of chat
    why: seed gate 2, error rate < 0.5 %
    unit: ratio
    judge:
      kind: ratio-bound
      errors: 'sum(max_over_time(chat_responses_total{outcome="error"}[$W]) - min_over_time(chat_responses_total{outcome="error"}[$W]))'
      total: 'sum(max_over_time(chat_responses_total[$W]) - min_over_time(chat_responses_total[$W]))'
      limit: 0.005
      confidence: 0.95
  - id: soak.growth
    title: Growth of memory
    why: seed gate 2, memory stabilizes
    unit: count
    needs: 36h
    judge: { kind: count, value: 'cycles{outcome="ok"}', of: 3 }
`,
}

/** Every regular file below a folder. */
export async function filesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
