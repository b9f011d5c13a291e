import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Labels } from '#gates/engine/types.ts'
import { writeBlocks } from '#gates/calibrate/planted/judge-cases.ts'
import { openMetricsLines, type PlantedSeries } from '#gates/calibrate/planted/planted-series.ts'
import { type SoakShape, soundLatencies, soundSoak, wobble } from '#gates/calibrate/planted/sound-soak.ts'
import { shiftBlock } from './shift-block.ts'

export const START = 1_700_006_400
export const HOURS = 48
export const SCRAPE_SECONDS = 15
export const SHAPE: SoakShape = {
  seconds: HOURS * 3600,
  drainSeconds: 600,
  planned: { chat: 172_800, action: 86_400, voice: 14_400 },
}
const BLOCK_SECONDS = 7200
/** As many, and as wide, as the services' own histograms have. */
export const EDGES = Array.from({ length: 60 }, (_, index) => 0.001 * 60_000 ** (index / 59))

export interface TwoDays {
  readonly promtool: string
  readonly scratch: string
  /** Where the blocks come to lie. */
  readonly blocks: string
  /** Label sets of a real stack, `__name__` among them: what is recorded beside what is judged. */
  readonly recorded: readonly Labels[]
}

/** Two days of six services at 15 s: what the soak asks for in full, everything else of a real stack in moved copies. */
export async function writeTwoDays({ promtool, scratch, blocks, recorded }: TwoDays): Promise<number> {
  const judged = [...soundSoak(SHAPE), ...soundLatencies(EDGES)]
  const window = { start: START, seconds: HOURS * 3600, scrapeSeconds: SCRAPE_SECONDS }
  await writeBlocks(promtool, ended(openMetricsLines(judged, window)), { scratch, blocks })
  const asked = new Set(judged.map(({ name }) => name))
  const routes = new Set(judged.map(({ labels }) => labels['route']))
  // Histograms of the routes that are not judged stay: they are most of what a stack records.
  const isBeside = ({ __name__: name = '', route }: Labels) =>
    !asked.has(name) || (name.endsWith('_bucket') && !routes.has(route))
  const beside = recorded.filter(isBeside).map(besides)
  await writeBeside(beside, { promtool, scratch, blocks })
  return judged.length + beside.length
}

/** A third never moves, a third counts, a third wobbles. */
function besides({ __name__: name = '', ...given }: Labels, index: number): PlantedSeries {
  // promtool takes the old alphabet only; the Collector's own series have points in their labels.
  const labels = Object.fromEntries(
    Object.entries(given).map(([label, value]) => [label.replaceAll(/\W/g, '_'), value]),
  )
  const at = [
    () => index,
    (seconds: number) => Math.floor((seconds * ((index % 97) + 1)) / 60),
    (seconds: number) => 100 + wobble(seconds, index),
  ][index % 3]
  return { name, labels, at: at ?? (() => 0) }
}

async function writeBeside(
  series: readonly PlantedSeries[],
  { promtool, scratch, blocks }: Omit<TwoDays, 'recorded'>,
): Promise<void> {
  const first = join(scratch, 'first')
  await mkdir(first, { recursive: true })
  const window = { start: START, seconds: BLOCK_SECONDS - SCRAPE_SECONDS, scrapeSeconds: SCRAPE_SECONDS }
  await writeBlocks(promtool, ended(withoutLeadIn(series, window)), { scratch, blocks: first })
  const names = await readdir(first)
  const [name, ...others] = names
  if (name === undefined || others.length > 0) throw new Error(`two hours made ${names.length} blocks`)
  for (let number = 1; number < (HOURS * 3600) / BLOCK_SECONDS; number += 1) {
    const ulid = `01AAAAAAAAAAAAAAAAAAAAAA${String(number).padStart(2, '0')}`
    const byMs = number * BLOCK_SECONDS * 1000
    await shiftBlock(join(first, name), join(blocks, ulid), { ulid, byMs })
  }
  await rename(join(first, name), join(blocks, name))
  await rm(first, { recursive: true })
}

/** Without the two scrapes before the window, which would be a block of their own. */
function withoutLeadIn(
  series: readonly PlantedSeries[],
  window: Parameters<typeof openMetricsLines>[1],
): Iterable<string> {
  const inside = series.map((one) => ({
    ...one,
    at: (seconds: number) => (seconds < 0 ? null : one.at(seconds)),
  }))
  return openMetricsLines(inside, window)
}

export function* ended(lines: Iterable<string>): Generator<string> {
  yield* lines
  yield '# EOF\n'
}
