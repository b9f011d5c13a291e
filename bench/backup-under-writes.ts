import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, stderr, stdout } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { runProgram } from '#gates/durability/run-script.ts'
import { type Measure, printMeasures } from './lib/bench-output.ts'
import { bootstrapRounds, medianOf, quantile } from './lib/paired-rounds.ts'
import { keepDatabase, prepareHome } from './lib/prepared-database.ts'

// A backup (copied, restored into a scratch folder, checked) of a memory database that another process writes to 200
// times a second, against the same backup of the same database at rest; and what the writers notice of it. Each round:
// writers alone, backup under writes, writers alone again; a backup at rest before it or after it, in turn.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
    rounds: { type: 'string' },
    memories: { type: 'string' },
    /** The database is kept there from one run to the next. */
    database: { type: 'string' },
    /** Only makes that database. */
    prepare: { type: 'boolean', default: false },
  },
})
const ROUNDS = Number(values.rounds ?? (values.short ? 1 : 7))
const MEMORIES = Number(values.memories ?? (values.short ? 5_000 : 250_000))
const WRITES_PER_SECOND = 200
const ALONE_MS = values.short ? 300 : 2000
/** A writer that has just begun is late for reasons of its own. */
const WARM_UP_MS = values.short ? 300 : 3000
const SETTLE_MS = values.short ? 200 : 1000
const SEED = 20_261_124
const main = fileURLToPath(new URL('../ops/backup/backup-main.ts', import.meta.url))
const home = mkdtempSync(join(values.dir, 'sonia-bench-'))
const file = join(home, 'data', 'memory', 'sonia.db')

interface Round {
  readonly aloneP99Ms: number
  readonly busyP99Ms: number
  readonly busyBytesPerSecond: number
  readonly idleBytesPerSecond: number
  readonly writesPerSecond: number
}

const { database: kept = null } = values
const prepared = { memories: MEMORIES, seed: SEED }

try {
  if (values.prepare && kept !== null) keepDatabase({ ...prepared, kept })
  else await measureAll()
} finally {
  rmSync(home, { recursive: true })
}

async function measureAll(): Promise<void> {
  prepareHome(home, { ...prepared, kept })
  stderr.write(`${statSync(file).size} bytes\n`)
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await runRound(round))
  stdout.write(printMeasures('backup-under-writes', measures(rounds), values.json))
}

async function runRound(round: number): Promise<Round> {
  const isIdleFirst = round % 2 === 0
  const idleBefore = isIdleFirst ? await backupAtRest() : null
  const writer = await startWriter()
  try {
    await delay(WARM_UP_MS)
    await take(writer)
    await delay(ALONE_MS)
    const before = await take(writer)
    const startedMs = performance.now()
    const busyBytesPerSecond = await backup()
    const seconds = (performance.now() - startedMs) / 1000
    const busy = await take(writer)
    await forgetBackups(writer)
    await delay(ALONE_MS)
    const alone = [...before, ...(await take(writer))]
    await stop(writer)
    return {
      aloneP99Ms: p99(alone),
      busyP99Ms: p99(busy),
      busyBytesPerSecond,
      idleBytesPerSecond: idleBefore ?? (await backupAtRest()),
      writesPerSecond: busy.length / seconds,
    }
  } finally {
    await stop(writer)
  }
}

async function backupAtRest(): Promise<number> {
  const rate = await backup()
  rmSync(join(home, 'backups'), { recursive: true })
  return rate
}

/** What the writers notice of that belongs to the bench, not to the backup. */
async function forgetBackups(writer: ChildProcess): Promise<void> {
  rmSync(join(home, 'backups'), { recursive: true })
  await delay(SETTLE_MS)
  await take(writer)
}

/** Made and verified by the program that the schedule runs; bytes of the database a second. Throws where it fails. */
async function backup(): Promise<number> {
  const bytes = statSync(file).size
  const startedMs = performance.now()
  const argument = JSON.stringify({ home, reason: 'drill' })
  const { exitCode, text } = await runProgram([process.execPath, main, argument], env)
  if (exitCode !== 0) throw new Error(`the backup did not complete: ${text}`)
  const rate = (bytes * 1000) / (performance.now() - startedMs)
  stderr.write(`${(rate / 1e6).toFixed(1)} MB/s\n`)
  return rate
}

async function startWriter(): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('./lib/paced-writer-main.ts', import.meta.url))
  const writer = fork(program, [JSON.stringify({ file, per_second: WRITES_PER_SECOND })])
  await once(writer, 'message')
  return writer
}

async function take(writer: ChildProcess): Promise<readonly number[]> {
  const answer = once(writer, 'message')
  writer.send('take')
  return ((await answer) as [readonly number[]])[0]
}

async function stop(writer: ChildProcess): Promise<void> {
  if (writer.exitCode !== null || !writer.connected) return
  const exit = once(writer, 'exit')
  writer.disconnect()
  await exit
}

function p99(latencies: readonly number[]): number {
  return quantile(
    latencies.toSorted((a, b) => a - b),
    0.99,
  )
}

function measures(rounds: readonly Round[]): Measure[] {
  const random = mulberry32(SEED)
  const over = (of: (round: Round) => number) =>
    bootstrapRounds(
      rounds.length,
      (chosen) => medianOf(chosen.map((at) => of(rounds[at] ?? rounds[0] ?? EMPTY))),
      random,
    )
  const n = rounds.length
  return [
    { name: 'backup at rest', interval: over((round) => round.idleBytesPerSecond / 1e6), unit: 'MB/s', n },
    {
      name: 'backup under writes',
      interval: over((round) => round.busyBytesPerSecond / 1e6),
      unit: 'MB/s',
      n,
    },
    {
      name: 'under writes / at rest',
      interval: over((round) => round.busyBytesPerSecond / round.idleBytesPerSecond),
      unit: 'times',
      n,
      bound: { kind: 'at least', value: 0.5 },
    },
    { name: 'writes a second meanwhile', interval: over((round) => round.writesPerSecond), unit: '/s', n },
    { name: "writers' p99 alone", interval: over((round) => round.aloneP99Ms), unit: 'ms', n },
    { name: "writers' p99 under the backup", interval: over((round) => round.busyP99Ms), unit: 'ms', n },
    {
      name: "writers' p99 under the backup / alone",
      interval: over((round) => round.busyP99Ms / round.aloneP99Ms),
      unit: 'times',
      n,
      bound: { kind: 'at most', value: 2 },
    },
  ]
}

const EMPTY: Round = {
  aloneP99Ms: 1,
  busyP99Ms: 1,
  busyBytesPerSecond: 1,
  idleBytesPerSecond: 1,
  writesPerSecond: 0,
}
