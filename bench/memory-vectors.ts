import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { stderr, stdout } from 'node:process'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { openForReading, openForWriting } from '../services/memory-engine/database/open-database.ts'
import { createStatements } from '../services/memory-engine/database/statements.ts'
import { createTimingLog } from '../services/memory-engine/database/timings.ts'
import { quantise } from '../services/memory-engine/vectors/quantise.ts'
import { SignatureIndex } from '../services/memory-engine/vectors/signature-index.ts'
import { type Measure, printMeasures } from './lib/bench-output.ts'
import { bootstrapRounds, interleave, medianOf } from './lib/paired-rounds.ts'
import { shapelessCloud, textLikeCloud, type VectorCloud } from './lib/vector-clouds.ts'

// The ten nearest by cosine among 100,000 vectors of 256 components: signatures and 8-bit rescoring (engine) against
// sqlite-vec's float search, and how many of the exact ten the engine finds. sqlite-vec comes from bench/peers (npm ci
// there); without it only the recall and the engine's own time are measured, and the output says so.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
  },
})
const MEMORIES = values.short ? 2000 : 100_000
const DIMENSIONS = 256
const QUERIES = values.short ? 10 : 50
const ROUNDS = values.short ? 5 : 9
const SEED = 20_261_124
const NEAREST = 10
const MODEL = 'bench'
const CACHE_KIB = 16_000

type Nearest = (query: Float32Array<ArrayBuffer>) => readonly number[]

interface Subject {
  readonly name: string
  readonly nearest: Nearest
  readonly close: () => void
}

const folder = mkdtempSync(join(values.dir, 'sonia-bench-'))
try {
  const random = mulberry32(SEED)
  const measures: Measure[] = []
  for (const cloud of [textLikeCloud(random, DIMENSIONS), shapelessCloud(random, DIMENSIONS)]) {
    measures.push(...(await measureCloud(cloud)))
  }
  stdout.write(printMeasures('memory-vectors', measures, values.json))
} finally {
  rmSync(folder, { recursive: true })
}

async function measureCloud(cloud: VectorCloud): Promise<Measure[]> {
  const vectors = Array.from({ length: MEMORIES }, cloud.make)
  const queries = Array.from({ length: QUERIES }, cloud.make)
  const subjects = [engine(cloud, vectors), ...peer(cloud, vectors)]
  const [own] = subjects
  const shares = queries.map((query) => agreement(own?.nearest(query) ?? [], exactNearest(query, vectors)))
  const arms = subjects.map(({ name, nearest }) => ({
    name,
    run: () => Promise.resolve(medianTimeMs(nearest, queries)),
  }))
  for (const { run } of arms) await run()
  const times = await interleave(arms, ROUNDS)
  for (const { close } of subjects) close()
  return report(cloud, shares, times)
}

function report(
  { name }: VectorCloud,
  shares: readonly number[],
  times: ReadonlyMap<string, readonly number[]>,
): Measure[] {
  const random = mulberry32(SEED + 1)
  const isBound = name.startsWith('text')
  const mean = (chosen: readonly number[]) =>
    chosen.reduce((sum, at) => sum + (shares[at] ?? 0), 0) / Math.max(1, chosen.length)
  const [own, peerTimes] = [...times.values()]
  const ratio = (chosen: readonly number[]) =>
    medianOf(chosen.map((at) => (own?.[at] ?? 0) / (peerTimes?.[at] ?? 1)))
  const recall: Measure = {
    name: `${name}: recall@${NEAREST} of exact`,
    interval: bootstrapRounds(shares.length, mean, random),
    unit: 'share',
    n: shares.length,
    ...(isBound ? { bound: { kind: 'at least', value: 0.95 } } : {}),
  }
  const rows: Measure[] = [...times].map(([arm, ofRounds]) => ({
    name: `${name}: ${arm}`,
    interval: bootstrapRounds(ROUNDS, (chosen) => medianOf(chosen.map((at) => ofRounds[at] ?? 0)), random),
    unit: 'ms',
    n: ROUNDS * QUERIES,
  }))
  if (peerTimes === undefined) {
    stderr.write('sqlite-vec is not installed (npm ci in bench/peers): no ratio\n')
    return [recall, ...rows]
  }
  const bound = { kind: 'at most', value: 0.125 } as const
  const interval = bootstrapRounds(ROUNDS, ratio, random)
  return [
    recall,
    ...rows,
    { name: `${name}: engine / sqlite-vec`, interval, unit: 'of sqlite-vec', n: ROUNDS, bound },
  ]
}

function engine({ name }: VectorCloud, vectors: readonly Float32Array[]): Subject {
  const settings = { file: join(folder, `${name}.db`), busyTimeoutMs: 1000, bytesMax: 0 }
  const db = openForWriting(settings)
  db.pragma('synchronous = OFF')
  const row = db.prepare("INSERT INTO memories VALUES (?, ?, 'turn', '', '{}', NULL, 1, 1)")
  const vector = db.prepare(
    'INSERT INTO memory_vectors (seq, model, signature, components) VALUES (?, ?, ?, ?)',
  )
  db.exec('BEGIN')
  for (const [place, values] of vectors.entries()) {
    const { signature, components } = quantise(values)
    row.run(place + 1, `mem_${place}`)
    vector.run(place + 1, MODEL, signature, components)
  }
  db.exec('COMMIT')
  db.close()
  const reading = openForReading(settings)
  const timings = createTimingLog(0)
  const statement = createStatements(reading, timings)
  const index = new SignatureIndex()
  return {
    name: 'engine',
    nearest(query) {
      const found = index.search({ model: MODEL, values: query }, NEAREST, statement)
      timings.take()
      return found.map(([seq]) => seq - 1)
    },
    close: () => reading.close(),
  }
}

/** sqlite-vec with floats, as its documentation has it; none when it is not installed. */
function peer({ name }: VectorCloud, vectors: readonly Float32Array<ArrayBuffer>[]): Subject[] {
  const extension = peerExtension()
  if (extension === undefined) return []
  const db = new Database(join(folder, `${name}-peer.db`))
  db.pragma(`cache_size = -${CACHE_KIB}`)
  db.loadExtension(extension)
  db.exec(`CREATE VIRTUAL TABLE v USING vec0(embedding float[${DIMENSIONS}] distance_metric=cosine)`)
  const insert = db.prepare('INSERT INTO v (rowid, embedding) VALUES (?, ?)')
  db.exec('BEGIN')
  for (const [place, values] of vectors.entries()) insert.run(BigInt(place), bytesOf(values))
  db.exec('COMMIT')
  const search = db.prepare(`SELECT rowid FROM v WHERE embedding MATCH ? AND k = ${NEAREST}`).pluck()
  return [
    {
      name: 'sqlite-vec',
      nearest: (query) => search.all(bytesOf(query)) as number[],
      close: () => db.close(),
    },
  ]
}

function peerExtension(): string | undefined {
  const { resolve } = createRequire(new URL('peers/package.json', import.meta.url))
  try {
    const system = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
    const library = { win32: 'vec0.dll', darwin: 'vec0.dylib' }[process.platform as string] ?? 'vec0.so'
    return join(dirname(resolve('sqlite-vec')), '..', `sqlite-vec-${system}`, library)
  } catch {
    return undefined
  }
}

function bytesOf(values: Float32Array<ArrayBuffer>): Buffer {
  return Buffer.from(values.buffer)
}

function medianTimeMs(nearest: Nearest, queries: readonly Float32Array<ArrayBuffer>[]): number {
  return medianOf(
    queries.map((query) => {
      const startedMs = performance.now()
      nearest(query)
      return performance.now() - startedMs
    }),
  )
}

function exactNearest(query: Float32Array, vectors: readonly Float32Array[]): number[] {
  const cosines = vectors.map((vector) => dot(query, vector) / Math.sqrt(dot(vector, vector)))
  const tenth = [...cosines].toSorted((left, right) => right - left)[NEAREST - 1] ?? 0
  return cosines.flatMap((value, place) => (value >= tenth ? [place] : []))
}

function dot(left: Float32Array, right: Float32Array): number {
  let sum = 0
  for (let at = 0; at < left.length; at++) sum += (left[at] ?? 0) * (right[at] ?? 0)
  return sum
}

function agreement(found: readonly number[], exact: readonly number[]): number {
  return found.filter((place) => exact.includes(place)).length / NEAREST
}
