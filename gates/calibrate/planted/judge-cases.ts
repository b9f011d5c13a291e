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
  /** Ends early what runs. */
  readonly signal?: AbortSignal
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
    const { signal } = binaries
    await writeBlocks(binaries.promtool, linesOf(placed), { scratch, blocks, ...(signal && { signal }) })
    const prometheus = await startOverBlocks(binaries.prometheus, scratch, blocks)
    try {
      return await unlessAborted(action(prometheus.url, placed, blocks), signal)
    } finally {
      await prometheus.stop()
    }
  } finally {
    // promtool may write until its last moment.
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Rejects as soon as the signal aborts; what becomes of the work then is nobody's business. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  const { promise, reject } = Promise.withResolvers<never>()
  const give = () => reject(signal.reason)
  if (signal.aborted) give()
  signal.addEventListener('abort', give, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', give)
  }
}

export interface BlockFolders {
  readonly scratch: string
  readonly blocks: string
  /** Ends early what runs. */
  readonly signal?: AbortSignal
}

/** Writes OpenMetrics lines as blocks of Prometheus. */
export async function writeBlocks(
  promtool: string,
  lines: Iterable<string>,
  { scratch, blocks, signal }: BlockFolders,
): Promise<void> {
  const file = join(scratch, 'history.om')
  const ends = signal === undefined ? {} : { signal }
  await pipeline(Readable.from(joined(lines)), createWriteStream(file), ends)
  const create = ['tsdb', 'create-blocks-from', '--quiet', '--max-block-duration=4380h', 'openmetrics']
  // An interrupted promtool leaves what it made in the folder for temporary files.
  await run('env', [`TMPDIR=${scratch}`, promtool, ...create, file, blocks], {
    maxBuffer: 64 * 1024 * 1024,
    killSignal: 'SIGKILL',
    ...ends,
  })
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
