import { readAttacks } from './attacks-file.ts'
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { judgeRunWithAnswers } from '../engine/judge-run.ts'
import { loadCriteriaFolder } from '../engine/load-criteria.ts'
import { serialiseCanonically } from '../engine/serialise-verdict.ts'
import type { Judgement, RunVerdict } from '../engine/types.ts'
import { askCourses, type Course } from '../report/courses.ts'
import { renderReport } from '../report/render-report.ts'
import { type SensitivityCard, sensitivityCards } from '../sensitivity/sensitivity-cards.ts'
import { answersOfGate, answersPath } from './answers-file.ts'
import { LAYOUT } from './bundle-layout.ts'
import { coursesPath, readCourses } from './courses-file.ts'
import { finding, type Finding } from './findings.ts'
import type { Manifest } from './manifest.ts'
import { readListed } from './read-listed.ts'
import { parseInputs } from './read-verdict.ts'
import { startOverBlocks } from './recorded-prometheus.ts'
import { cardsOfGate, sensitivityPath } from './sensitivity-file.ts'
import { sha256OfFile } from './sha256.ts'

export interface RederiveOptions {
  readonly prometheusBinary: string
  /** Where the blocks may be copied to; Prometheus writes beside them. */
  readonly scratchFolder: string
}

/** Third question: does the verdict follow from the recorded data? Asks a real Prometheus over a copy of the blocks. */
export async function checkVerdict(
  bundle: string,
  manifest: Manifest,
  recorded: RunVerdict,
  options: RederiveOptions,
): Promise<readonly Finding[]> {
  const scratch = await mkdtemp(join(options.scratchFolder, 'sonia-verify-'))
  try {
    const again = await judgeAgain(bundle, manifest, scratch, options.prometheusBinary)
    return await compare(bundle, manifest, recorded, again)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return [
      finding('VERDICT_NOT_DERIVED', `the verdict could not be derived from the recorded data: ${message}`),
    ]
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

interface Again {
  readonly judgement: Judgement
  readonly courses: readonly Course[]
  readonly cards: readonly SensitivityCard[]
}

async function judgeAgain(
  bundle: string,
  manifest: Manifest,
  scratch: string,
  binary: string,
): Promise<Again> {
  const inputs = parseInputs(await readListed(bundle, manifest, LAYOUT.inputs))
  const blocks = join(scratch, 'blocks')
  const criteriaFolder = join(scratch, LAYOUT.criteria)
  await copyChecked(bundle, manifest, `${LAYOUT.blocks}/`, blocks)
  await copyChecked(bundle, manifest, `${LAYOUT.criteria}/`, criteriaFolder)
  const prometheus = await startOverBlocks(binary, scratch, blocks)
  try {
    const prometheusUrl = prometheus.url
    const judgement = await judgeRunWithAnswers({ ...inputs, criteriaFolder, prometheusUrl })
    const cards = sensitivityCards(judgement, await loadCriteriaFolder(criteriaFolder))
    return { judgement, cards, courses: await askCourses(prometheusUrl, judgement.verdict) }
  } finally {
    await prometheus.stop()
  }
}

/** Copies by the manifest's list and checks the copy: what is judged is what was digested, whoever writes meanwhile. */
async function copyChecked(bundle: string, manifest: Manifest, prefix: string, to: string): Promise<void> {
  for (const file of manifest.files) {
    if (!file.path.startsWith(prefix)) continue
    const place = join(to, file.path.slice(prefix.length))
    await mkdir(dirname(place), { recursive: true })
    await copyFile(join(bundle, file.path), place)
    if ((await sha256OfFile(place)) !== file.sha256) throw new Error(`${file.path} changed while it was read`)
  }
}

async function compare(
  bundle: string,
  manifest: Manifest,
  recorded: RunVerdict,
  { judgement, courses, cards }: Again,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const expect = async (path: string, derived: string, describe: () => string) => {
    if ((await readFile(join(bundle, path), 'utf8').catch(() => null)) !== derived)
      findings.push(finding('VERDICT_DIFFERS', describe(), path))
  }
  const { verdict, answers } = judgement
  await expect(LAYOUT.verdict, serialiseCanonically(verdict), () => differenceText(recorded, verdict))
  for (const { gate } of recorded.gates)
    await expect(
      answersPath(gate),
      serialiseCanonically(answersOfGate(answers, gate)),
      () => `the recorded data give other answers to the queries of ${gate} than ${answersPath(gate)} holds`,
    )
  for (const { gate } of recorded.gates)
    await expect(
      sensitivityPath(gate),
      serialiseCanonically(cardsOfGate(cards, gate)),
      () => `the recorded data give other sensitivity cards than ${sensitivityPath(gate)} holds`,
    )
  // A picture that the machine had no time for is no lie; one that the data do not give is.
  const shown = await readCourses(bundle, recorded)
  const derived = courses.filter((one) => shown.some(({ gate, id }) => gate === one.gate && id === one.id))
  for (const gate of new Set(shown.map((one) => one.gate)))
    await expect(
      coursesPath(gate),
      serialiseCanonically(derived.filter((one) => one.gate === gate)),
      () => `the recorded data give another course than ${coursesPath(gate)} holds`,
    )
  const { files: _files, ...facts } = manifest
  const attacks = await readAttacks(bundle)
  await expect(
    LAYOUT.report,
    renderReport({ facts, verdict, answers, courses: derived, cards, attacks }),
    () => 'report.html is not the page that follows from the data',
  )
  return findings
}

/** Names the first criterion on which the two differ, in words. */
function differenceText(recorded: RunVerdict, derived: RunVerdict): string {
  const wordOf = (verdict: RunVerdict, gate: string, id: string) =>
    verdict.gates.find((one) => one.gate === gate)?.criteria.find((one) => one.id === id)
  for (const gate of derived.gates)
    for (const criterion of gate.criteria) {
      const written = wordOf(recorded, gate.gate, criterion.id)
      if (written === undefined)
        return `verdict.json leaves out ${criterion.id}, which the data make ${criterion.verdict}`
      if (serialiseCanonically(written) !== serialiseCanonically(criterion))
        return `verdict.json says ${written.verdict} for ${criterion.id} (${figureText(written.value)}), the recorded data say ${criterion.verdict} (${figureText(criterion.value)})`
    }
  return `verdict.json says ${recorded.verdict}, and is not what the recorded data give (${derived.verdict})`
}

function figureText(value: number | null): string {
  return value === null ? 'no value' : String(value)
}
