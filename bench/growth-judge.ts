import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stderr, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { printMeasures } from './lib/bench-output.ts'
import { growthOfCosts } from './lib/cost-growth.ts'
import { judged, timed } from './lib/judge-process.ts'
import { interleave } from './lib/paired-rounds.ts'
import { type RecordedSoak, recordSoak } from './lib/soak-bundle.ts'

// How `./sonia judge` and `./sonia verify` grow with the hours of a soak: what the criteria of the soak ask for, at 15 s,
// of a stack with which nothing is wrong, from an hour to the 48 of a release. Whole processes, all sizes in turns.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
  },
})
const HOURS = values.short ? [0.1, 0.2, 0.4] : [1, 3, 10, 48]
const ROUNDS = values.short ? 1 : 7
const SEED = 20_261_125
const repository = fileURLToPath(new URL('..', import.meta.url))
const tool = (name: string) => join(repository, '.tools', 'bin', name)

const scratch = await mkdtemp(join(values.dir, 'sonia-bench-'))
try {
  const soaks = new Map<number, RecordedSoak>()
  for (const hours of HOURS) soaks.set(hours, await record(hours))
  await measure(soaks)
} finally {
  await rm(scratch, { recursive: true, force: true })
}

function record(hours: number): Promise<RecordedSoak> {
  const tools = { prometheus: tool('prometheus'), promtool: tool('promtool') }
  return recordSoak(hours, { repository, ...tools, folder: join(scratch, String(hours)) })
}

async function measure(soaks: ReadonlyMap<number, RecordedSoak>): Promise<void> {
  const arms = [...soaks].flatMap(([hours, soak]) => [
    { name: `judge ${hours}`, run: () => judgeSeconds(soak) },
    { name: `verify ${hours}`, run: () => verifySeconds(soak) },
  ])
  const times = await interleave(arms, ROUNDS)
  const costs = ['judge', 'verify'].map((name) => ({
    name,
    at: new Map([...soaks.keys()].map((hours) => [hours, times.get(`${name} ${hours}`) ?? []])),
  }))
  const plan = { title: 'evidence', size: 'hours', unit: 's', random: mulberry32(SEED) }
  const { measures, curve } = growthOfCosts(plan, costs)
  stdout.write(printMeasures('growth-judge', measures, values.json, [curve]))
}

async function judgeSeconds({ shape, blocks }: RecordedSoak): Promise<number> {
  const { seconds, output } = await judged(shape, ['--blocks', blocks])
  const { verdict } = JSON.parse(output) as { verdict: string }
  stderr.write(`judge, ${shape.seconds / 3600} h: ${verdict} in ${seconds.toFixed(2)} s\n`)
  return seconds
}

async function verifySeconds({ shape, bundle, key }: RecordedSoak): Promise<number> {
  const { seconds, output, code } = await timed(['verify', bundle, '--key', key, '--json'])
  if (code !== 0) throw new Error(`the bundle of ${shape.seconds / 3600} h was refused: ${output}`)
  return seconds
}
