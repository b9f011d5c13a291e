import { cp, mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { sha256 } from '#gates/evidence/sha256.ts'
import { startOverBlocks } from '#gates/evidence/recorded-prometheus.ts'
import type { Labels } from '#gates/engine/types.ts'
import { judged } from './lib/judge-process.ts'
import { HOURS, SCRAPE_SECONDS, SHAPE, writeTwoDays } from './lib/two-day-blocks.ts'

// How long `./sonia judge` takes from the blocks of a soak of 48 h to its verdict, how much memory it and its Prometheus
// hold at most, and whether the same blocks give the same bytes: twice, and from a Prometheus that was restarted.
//   node bench/judge-48h.ts --make /tmp/two-days --like artifacts/<run>     writes the blocks, with the series of that run
//   node bench/judge-48h.ts --judge /tmp/two-days [--rounds 3]              measures
const { values } = parseArgs({
  options: {
    make: { type: 'string' },
    like: { type: 'string' },
    judge: { type: 'string' },
    rounds: { type: 'string', default: '3' },
  },
})
const repo = fileURLToPath(new URL('..', import.meta.url))
const tool = (name: string) => join(repo, '.tools', 'bin', name)

if (values.make !== undefined && values.like !== undefined) await make(values.make, values.like)
else if (values.judge !== undefined) await judgeRounds(values.judge, Number(values.rounds))
else throw new Error('--make with --like, or --judge')

async function make(folder: string, bundle: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const recorded = await labelSetsOf(resolve(repo, bundle, 'prometheus', 'blocks'), folder)
  const scratch = join(folder, 'scratch')
  await mkdir(scratch, { recursive: true })
  const place = { promtool: tool('promtool'), scratch, blocks: join(folder, 'blocks') }
  const series = await writeTwoDays({ ...place, recorded })
  await rm(scratch, { recursive: true })
  stdout.write(`${series} series of ${(HOURS * 3600) / SCRAPE_SECONDS} samples in ${place.blocks}\n`)
}

/** Every label set that a real run left. */
async function labelSetsOf(blocks: string, folder: string): Promise<readonly Labels[]> {
  const copy = join(folder, 'like')
  await cp(blocks, copy, { recursive: true })
  const prometheus = await startOverBlocks(tool('prometheus'), folder, copy)
  try {
    const matcher = new URLSearchParams({ 'match[]': '{__name__=~".+"}', start: '0' })
    const response = await fetch(`${prometheus.url}/api/v1/series?${matcher.toString()}`)
    return ((await response.json()) as { data: readonly Labels[] }).data
  } finally {
    await prometheus.stop()
    await rm(copy, { recursive: true })
  }
}

async function judgeRounds(folder: string, rounds: number): Promise<void> {
  const blocks = join(folder, 'blocks')
  const digests = new Set<string>()
  for (let round = 1; round <= rounds; round += 1) {
    const { seconds, peakBytes, output } = await judged(SHAPE, ['--blocks', blocks])
    digests.add(sha256(output))
    const mib = (bytes: number) => Math.round(bytes / 2 ** 20)
    stdout.write(
      `round ${round}: blocks to verdict ${seconds.toFixed(2)} s; at most ${mib(peakBytes.total)} MiB (${mib(peakBytes.node)} node, ${mib(peakBytes.prometheus)} Prometheus); ${verdictOf(output)}\n`,
    )
  }
  const scratch = join(folder, 'running')
  await cp(blocks, join(scratch, 'blocks'), { recursive: true })
  for (const attempt of ['running', 'restarted']) {
    const prometheus = await startOverBlocks(tool('prometheus'), scratch, join(scratch, 'blocks'))
    try {
      const { seconds, output } = await judged(SHAPE, ['--prometheus', prometheus.url])
      digests.add(sha256(output))
      stdout.write(`Prometheus ${attempt}: ${seconds.toFixed(2)} s\n`)
    } finally {
      await prometheus.stop()
    }
  }
  await rm(scratch, { recursive: true })
  stdout.write(`${digests.size} different verdicts of ${rounds + 2}: ${[...digests].join(' ')}\n`)
}

function verdictOf(output: string): string {
  const { verdict, gates } = JSON.parse(output) as {
    verdict: string
    gates: { criteria: { id: string; verdict: string; sentence: string }[] }[]
  }
  const open = gates.flatMap(({ criteria }) => criteria.filter((one) => one.verdict !== 'PASS'))
  return [verdict, ...open.map(({ id, sentence }) => `${id}: ${sentence}`)].join('; ')
}
