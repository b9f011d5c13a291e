import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stdout } from 'node:process'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { Reader } from '../services/memory-engine/reading/reader.ts'
import { matchAny } from '../services/memory-engine/search/match-expression.ts'
import { SEARCH_WEIGHTS, type SearchWeights } from '../services/memory-engine/search/search-weights.ts'
import { type Measure, printMeasures } from './lib/bench-output.ts'
import { growthOfCosts } from './lib/cost-growth.ts'
import { bootstrapRounds, type Interval, interleave, quantile } from './lib/paired-rounds.ts'
import { wordOfRank } from './lib/zipf.ts'
import { makeZipfDatabase } from './lib/zipf-memories.ts'

// Search at 100,000 to 1,000,000 memories, and how it grows between them, against raw FTS5 (ORDER BY rank LIMIT 10, the ten rows read), and how many of
// the ten best by exhaustive bm25() the planner finds (equal scores are equal). `planner` ranks by words alone, as raw
// FTS5 does; `engine` is the whole search of the service, with neighbouring turns and the rest.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
  },
})
const SIZES = values.short ? [1000, 3000, 10_000] : [100_000, 316_000, 1_000_000]
const ROUNDS = values.short ? 3 : 11
const QUERIES = { ordinary: values.short ? 10 : 40, common: values.short ? 2 : 4 }
const SEED = 20_261_124
const CACHE_KIB = 16_000
const WORDS_ALONE: SearchWeights = {
  adjacent: { after: [], before: [], hits: 0 },
  exactName: 0,
  day: 0,
  writtenDay: 0,
  recency: 0,
}

type Kind = keyof typeof QUERIES

interface Ranked {
  readonly seq: number
  readonly score: number
}

interface Sample {
  readonly timesMs: readonly number[]
  readonly answers: readonly (readonly Ranked[])[]
}

/** Of each kind of words and each arm, by size: one figure a round. */
const costs = new Map<string, Map<number, readonly number[]>>()
const folder = mkdtempSync(join(values.dir, 'sonia-bench-'))
try {
  const measures: Measure[] = []
  for (const memories of SIZES) {
    const { file } = makeZipfDatabase(join(folder, `${memories}.db`), memories, mulberry32(SEED))
    measures.push(...(await measureSize(file, memories)))
  }
  const plan = { title: 'search', size: 'memories', unit: 'ms', random: mulberry32(SEED) }
  const growth = growthOfCosts(
    plan,
    [...costs].map(([name, at]) => ({ name, at })),
  )
  const rows = [...measures, ...growth.measures.filter(({ unit }) => unit !== plan.unit)]
  stdout.write(printMeasures('memory-search', rows, values.json, [growth.curve]))
} finally {
  rmSync(folder, { recursive: true })
}

async function measureSize(file: string, memories: number): Promise<Measure[]> {
  const reader = new Reader({ file, busyTimeoutMs: 1000, bytesMax: 0 })
  reader.search(requestOf(wordOfRank(5000)), WORDS_ALONE)
  while (reader.prepare());
  const raw = openRaw(file)
  const measures: Measure[] = []
  for (const kind of ['ordinary', 'common'] as const) {
    const queries = queriesOf(kind)
    const ask = (weights: SearchWeights) => (query: string) =>
      reader.search(requestOf(query), weights).map(({ row, score }) => ({ seq: row.seq, score }))
    const arms = [
      { name: 'raw', run: () => sample(queries, raw.search) },
      { name: 'planner', run: () => sample(queries, ask(WORDS_ALONE)) },
      { name: 'engine', run: () => sample(queries, ask(SEARCH_WEIGHTS)) },
    ]
    for (const { run } of arms) await run()
    measures.push(...compare(await interleave(arms, ROUNDS), { kind, memories }))
  }
  raw.close()
  reader.close()
  return measures
}

function openRaw(file: string) {
  const db = new Database(file, { readonly: true })
  db.pragma(`cache_size = -${CACHE_KIB}`)
  const best = db
    .prepare(
      `SELECT m.seq, m.content, -score FROM (SELECT rowid AS found, rank AS score FROM memories_fts
       WHERE memories_fts MATCH ? ORDER BY rank LIMIT 10) JOIN memories AS m ON m.seq = found`,
    )
    .raw()
  return {
    search: (query: string) =>
      (best.all(matchAny(query.split(' '))) as [number, string, number][]).map(([seq, , score]) => ({
        seq,
        score,
      })),
    close: () => db.close(),
  }
}

function requestOf(query: string) {
  const nowMs = Date.UTC(2027, 0, 1)
  return { query, limit: 10, type: undefined, sessionId: undefined, nowMs, vector: undefined }
}

/** Ordinary words: ranks 1,000 to 20,000; common ones: the ten most frequent. Three in each query. */
function queriesOf(kind: Kind): string[] {
  const random = mulberry32(SEED + 1)
  const [from, to] = kind === 'ordinary' ? [1000, 20_000] : [0, 10]
  return Array.from({ length: QUERIES[kind] }, () => {
    const ranks = new Set<number>()
    while (ranks.size < 3) ranks.add(from + Math.floor(random() * (to - from)))
    return [...ranks].map(wordOfRank).join(' ')
  })
}

function sample(queries: readonly string[], search: (query: string) => readonly Ranked[]): Promise<Sample> {
  const timesMs: number[] = []
  const answers = queries.map((query) => {
    const startedMs = performance.now()
    const answer = search(query)
    timesMs.push(performance.now() - startedMs)
    return answer
  })
  return Promise.resolve({ timesMs, answers })
}

function compare(
  samples: ReadonlyMap<string, readonly Sample[]>,
  { kind, memories }: { readonly kind: Kind; readonly memories: number },
): Measure[] {
  const random = mulberry32(SEED + 2)
  const share = kind === 'common' ? 0.95 : 0.5
  const name = (what: string) => `${memories} memories, ${kind} words: ${what}`
  const at = (arm: string, chosen: readonly number[]) =>
    quantile(
      chosen.flatMap((round) => samples.get(arm)?.[round]?.timesMs ?? []).toSorted((a, b) => a - b),
      share,
    )
  const over = (statistic: (chosen: readonly number[]) => number): Interval =>
    bootstrapRounds(ROUNDS, statistic, random)
  for (const arm of samples.keys()) {
    const key = `${kind} words, ${arm}`
    const bySize = costs.get(key) ?? new Map<number, readonly number[]>()
    const rounds = Array.from({ length: ROUNDS }, (_, round) => at(arm, [round]))
    costs.set(key, bySize.set(memories, rounds))
  }
  const n = ROUNDS * QUERIES[kind]
  const limit = kind === 'ordinary' ? 1 : memories >= 1_000_000 ? 1 / 30 : 1 / 10
  const statistic = kind === 'common' ? 'p95' : 'p50'
  const times = ['raw', 'planner', 'engine'].map((arm) => ({
    name: name(`${statistic} ${arm}`),
    interval: over((chosen) => at(arm, chosen)),
    unit: 'ms',
    n,
  }))
  const ratios = ['planner', 'engine'].map((arm) => ({
    name: name(`${statistic} ${arm} / raw`),
    interval: over((chosen) => at(arm, chosen) / at('raw', chosen)),
    unit: 'of raw',
    n,
    bound: { kind: 'at most' as const, value: Number(limit.toFixed(4)) },
  }))
  const agreement = agreementOf(samples)
  return [
    ...times,
    ...ratios,
    {
      name: name('top-10 agreement of the planner'),
      interval: { value: agreement, low: agreement, high: agreement },
      unit: 'share',
      n: QUERIES[kind],
      ...(kind === 'ordinary' ? { bound: { kind: 'at least' as const, value: 0.98 } } : {}),
    },
  ]
}

function agreementOf(samples: ReadonlyMap<string, readonly Sample[]>): number {
  const [wanted, found] = ['raw', 'planner'].map((arm) => samples.get(arm)?.[0]?.answers ?? [])
  const shares = (wanted ?? []).map((exhaustive, query) => {
    const tenth = Math.min(...exhaustive.map(({ score }) => score))
    const seqs = new Set(exhaustive.map(({ seq }) => seq))
    const agreeing = (found?.[query] ?? []).filter(
      ({ seq, score }) => seqs.has(seq) || score >= tenth * (1 - 1e-9),
    )
    return exhaustive.length === 0 ? 1 : agreeing.length / exhaustive.length
  })
  return shares.reduce((sum, value) => sum + value, 0) / Math.max(1, shares.length)
}
