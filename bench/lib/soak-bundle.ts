import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type SoakShape, soundLatencies, soundSoak } from '#gates/calibrate/planted/sound-soak.ts'
import { writeBlocks } from '#gates/calibrate/planted/judge-cases.ts'
import { openMetricsLines } from '#gates/calibrate/planted/planted-series.ts'
import { judgeRunWithAnswers } from '#gates/engine/judge-run.ts'
import { newMachineKey } from '#gates/evidence/machine-key.ts'
import { startOverBlocks } from '#gates/evidence/recorded-prometheus.ts'
import { describeReleased } from '#gates/evidence/released.ts'
import { repositoryState } from '#gates/evidence/repository.ts'
import { writeBundle } from '#gates/evidence/write-bundle.ts'
import { parametersOf } from './judge-process.ts'
import { EDGES, ended, SCRAPE_SECONDS, SHAPE, START } from './two-day-blocks.ts'

/** A sound soak of so many hours, as blocks and as the bundle of a run that recorded it. */
export interface RecordedSoak {
  readonly shape: SoakShape
  readonly blocks: string
  readonly bundle: string
  /** The public key that signed the bundle. */
  readonly key: string
}

interface Place {
  readonly repository: string
  readonly prometheus: string
  readonly promtool: string
  readonly folder: string
}

export async function recordSoak(hours: number, place: Place): Promise<RecordedSoak> {
  const shape = shapeOf(hours)
  const blocks = join(place.folder, 'blocks')
  await mkdir(place.folder, { recursive: true })
  const window = { start: START, seconds: shape.seconds, scrapeSeconds: SCRAPE_SECONDS }
  const series = [...soundSoak(shape), ...soundLatencies(EDGES)]
  await writeBlocks(place.promtool, ended(openMetricsLines(series, window)), {
    scratch: place.folder,
    blocks,
  })
  return { shape, blocks, ...(await writeSoakBundle(shape, blocks, place)) }
}

/** The load of two days, for less of them. */
function shapeOf(hours: number): SoakShape {
  const seconds = Math.round(hours * 3600)
  const share = seconds / SHAPE.seconds
  const planned = (scenario: keyof SoakShape['planned']) => Math.round(SHAPE.planned[scenario] * share)
  return {
    seconds,
    drainSeconds: Math.min(SHAPE.drainSeconds, Math.round(seconds / 10)),
    planned: { chat: planned('chat'), action: planned('action'), voice: planned('voice') },
  }
}

async function writeSoakBundle(
  shape: SoakShape,
  blocks: string,
  place: Place,
): Promise<{ bundle: string; key: string }> {
  const { repository, folder } = place
  // Of the clone, whole: verify compares them with those of the commit.
  const criteriaFolder = join(repository, 'gates', 'criteria')
  const windows = [{ gate: 'soak', start: START, end: START + shape.seconds, planned_seconds: shape.seconds }]
  const judgement = await judgeOver(blocks, place, (prometheusUrl) =>
    judgeRunWithAnswers({ criteriaFolder, windows, parameters: parametersOf(shape), prometheusUrl }),
  )
  const keys = newMachineKey()
  const key = join(folder, 'machine.pem')
  await writeFile(key, keys.publicKeyPem)
  const config = join(folder, 'prometheus.yml')
  await writeFile(config, 'global: {}\n')
  const { path } = await writeBundle({
    runId: 'bench',
    artifactsFolder: join(folder, 'artifacts'),
    profile: 'release',
    purpose: 'run',
    createdAtMs: (START + shape.seconds) * 1000,
    ...judgement,
    courses: [],
    gateFiles: [],
    prometheus: { snapshotFolder: blocks, rules: join(repository, 'prometheus', 'rules'), config },
    criteriaFolder,
    windows,
    keys,
    released: await describeReleased({
      repository,
      state: await repositoryState(repository),
      configurationFile: join(repository, 'config', 'sonia.json'),
      policiesFolder: join(repository, 'config', 'policies'),
      criteriaFolder,
      sbom: null,
      imageDigest: null,
    }),
    versions: {},
    sbom: null,
    producerEmails: [],
    secrets: [],
  })
  return { bundle: path, key }
}

/** Prometheus writes into what it is given: it gets a copy. */
async function judgeOver<T>(
  blocks: string,
  { folder, prometheus: binary }: Place,
  judge: (url: string) => Promise<T>,
): Promise<T> {
  const scratch = join(folder, 'judging')
  await cp(blocks, join(scratch, 'blocks'), { recursive: true })
  const prometheus = await startOverBlocks(binary, scratch, join(scratch, 'blocks'))
  try {
    return await judge(prometheus.url)
  } finally {
    await prometheus.stop()
    await rm(scratch, { recursive: true })
  }
}
