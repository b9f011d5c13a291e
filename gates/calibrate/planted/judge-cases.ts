import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { startOverBlocks } from '../../evidence/recorded-prometheus.ts'
import type { PlantedCase } from './planted-case.ts'
import { openMetricsLines } from './planted-series.ts'

const run = promisify(execFile)

export interface Binaries {
  readonly prometheus: string
  readonly promtool: string
  /** Folder below which everything is made, and removed. */
  readonly scratchParent: string
}

/** A case with the moment at which its window begins. */
export interface PlacedCase {
  readonly planted: PlantedCase
  readonly start: number
}

/** Some hour long past; whole days of it, so that hourly windows fall alike for each case. */
const FIRST_START = 1_700_006_400
/** No case sees its neighbours: longer than any look-back of an expression beyond its window. */
const APART_SECONDS = 7200

/** Lays the cases one after another in one history, writes it as blocks, and asks a real Prometheus over them. */
export async function withPlantedCases<T>(
  binaries: Binaries,
  cases: readonly PlantedCase[],
  action: (url: string, placed: readonly PlacedCase[], blocks: string) => Promise<T>,
): Promise<T> {
  const scratch = await mkdtemp(join(binaries.scratchParent, 'sonia-planted-'))
  try {
    const placed = placeCases(cases)
    const blocks = join(scratch, 'blocks')
    await writeBlocks(binaries.promtool, linesOf(placed), { scratch, blocks })
    const prometheus = await startOverBlocks(binaries.prometheus, scratch, blocks)
    try {
      return await action(prometheus.url, placed, blocks)
    } finally {
      await prometheus.stop()
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Writes OpenMetrics lines as blocks of Prometheus. */
export async function writeBlocks(
  promtool: string,
  lines: Iterable<string>,
  { scratch, blocks }: { readonly scratch: string; readonly blocks: string },
): Promise<void> {
  const file = join(scratch, 'history.om')
  await pipeline(Readable.from(joined(lines)), createWriteStream(file))
  await run(
    promtool,
    ['tsdb', 'create-blocks-from', '--quiet', '--max-block-duration=4380h', 'openmetrics', file, blocks],
    {
      maxBuffer: 64 * 1024 * 1024,
    },
  )
  await rm(file)
}

function placeCases(cases: readonly PlantedCase[]): readonly PlacedCase[] {
  let start = FIRST_START
  return cases.map((planted) => {
    const placed = { planted, start }
    start = Math.ceil((start + planted.seconds + APART_SECONDS) / 3600) * 3600
    return placed
  })
}

function* linesOf(placed: readonly PlacedCase[]): Generator<string> {
  for (const { planted, start } of placed) {
    yield* openMetricsLines(planted.series, { ...planted, start })
  }
  yield '# EOF\n'
}

const LINES_PER_CHUNK = 5000

/** Few large chunks: a stream of single lines is slow. */
function* joined(lines: Iterable<string>): Generator<string> {
  let some: string[] = []
  for (const line of lines) {
    some.push(line)
    if (some.length < LINES_PER_CHUNK) continue
    yield some.join('')
    some = []
  }
  yield some.join('')
}
