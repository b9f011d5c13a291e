import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { printMeasures } from './lib/bench-output.ts'
import { type CommitSubject, engineCommits } from './lib/commit-subjects.ts'
import { growthOfCosts } from './lib/cost-growth.ts'
import { interleave } from './lib/paired-rounds.ts'
import { makeZipfDatabase } from './lib/zipf-memories.ts'

// How the time of a durable store grows with what is stored already, one writer at a time and sixteen at once: the arms
// of memory-commits over databases of three sizes, all sizes in turns.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
  },
})
const SIZES = values.short ? [500, 1500, 5000] : [100_000, 316_000, 1_000_000]
const ROUNDS = values.short ? 2 : 11
const COMMITS = values.short ? 32 : 1000
const WRITERS = [1, 16]
const SEED = 20_261_125

interface Sized {
  readonly writers: number
  readonly size: number
  readonly subject: CommitSubject
}

const folder = mkdtempSync(join(values.dir, 'sonia-bench-'))
const opened: Sized[] = []
try {
  for (const size of SIZES) for (const writers of WRITERS) opened.push(open(writers, size))
  await measure()
} finally {
  for (const { subject } of opened) await subject.close()
  rmSync(folder, { recursive: true })
}

function open(writers: number, size: number): Sized {
  const { file } = makeZipfDatabase(join(folder, `${size}-${writers}.db`), size, mulberry32(SEED))
  const subject = engineCommits({ name: `${size} rows, ${writers} writers`, writers, commits: COMMITS, file })
  return { writers, size, subject }
}

async function measure(): Promise<void> {
  const arms = opened.map(({ subject }) => subject.arm)
  // The log is filled once before anything counts, as in memory-commits.
  for (const { run } of arms) await run()
  const rates = await interleave(arms, ROUNDS)
  const plan = { title: 'store', size: 'memories', unit: 'ms', random: mulberry32(SEED) }
  const costs = WRITERS.map((writers) => ({
    name: writers === 1 ? '1 writer' : `${writers} writers`,
    at: new Map(
      opened
        .filter((one) => one.writers === writers)
        .map(({ size, subject }) => [
          size,
          (rates.get(subject.arm.name) ?? []).map((perSecond) => 1000 / perSecond),
        ]),
    ),
  }))
  const { measures, curve } = growthOfCosts(plan, costs)
  stdout.write(printMeasures('growth-commits', measures, values.json, [curve]))
}
