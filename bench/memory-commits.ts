import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stdout } from 'node:process'
import { parseArgs } from 'node:util'
import Database from 'better-sqlite3'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { MIGRATIONS } from '../services/memory-engine/database/migrations.ts'
import { makeMemoryId } from '../services/memory-engine/memory.ts'
import { type Measure, printMeasures } from './lib/bench-output.ts'
import { type CommitSubject, engineCommits, textsOf } from './lib/commit-subjects.ts'
import { bootstrapRounds, interleave, medianOf } from './lib/paired-rounds.ts'

// Durable single-row stores a second: a plain loop of one transaction per row (same tables, full-text index included,
// synchronous=FULL) against the engine's group commit with one writer and with sixteen. Every row is searchable
// when its commit is acknowledged, in all arms.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
  },
})
const ROUNDS = values.short ? 2 : 15
const COMMITS = values.short ? 80 : 1000
const WRITERS = 16
const SEED = 20_261_124

const folder = mkdtempSync(join(values.dir, 'sonia-bench-'))
try {
  const engine = (name: string, writers: number) =>
    engineCommits({ name, writers, commits: COMMITS, file: join(folder, `engine-${writers}.db`) })
  const subjects = [plainLoop(), engine('engine, 1 writer', 1), engine(`engine, ${WRITERS} writers`, WRITERS)]
  // The first round of each fills its log once: a log that grows is slower than one that is used again.
  for (const { arm } of subjects) await arm.run()
  const rates = await interleave(
    subjects.map(({ arm }) => arm),
    ROUNDS,
  )
  for (const { close } of subjects) await close()
  stdout.write(printMeasures('memory-commits', measures(rates), values.json))
} finally {
  rmSync(folder, { recursive: true })
}

function measures(rates: ReadonlyMap<string, readonly number[]>): Measure[] {
  const random = mulberry32(SEED)
  const names = [...rates.keys()]
  const of = (name: string | undefined) => rates.get(name ?? '') ?? []
  const [plain, single, many] = names
  const ratio = (of1: string | undefined) =>
    bootstrapRounds(
      ROUNDS,
      (chosen) => medianOf(chosen.map((at) => (of(of1)[at] ?? 0) / (of(plain)[at] ?? 1))),
      random,
    )
  const rate = (name: string) => ({
    name: `commits a second: ${name}`,
    interval: bootstrapRounds(ROUNDS, (chosen) => medianOf(chosen.map((at) => of(name)[at] ?? 0)), random),
    unit: '/s',
    n: ROUNDS * COMMITS,
  })
  return [
    ...names.map(rate),
    {
      name: `${many} / plain loop`,
      interval: ratio(many),
      unit: 'times',
      n: ROUNDS,
      bound: { kind: 'at least', value: 4 },
    },
    {
      name: `${single} / plain loop`,
      interval: ratio(single),
      unit: 'times',
      n: ROUNDS,
      bound: { kind: 'at least', value: 1 },
    },
  ]
}

function plainLoop(): CommitSubject {
  const db = new Database(join(folder, 'plain.db'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  for (const migration of MIGRATIONS) db.exec(migration)
  const row = db.prepare('INSERT INTO memories VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)')
  const text = db.prepare('INSERT INTO memories_fts (rowid, content) VALUES (?, ?)')
  const texts = textsOf('plain')
  let n = 0
  const store = db.transaction((content: string) => {
    const id = makeMemoryId(() => (n++).toString(16).padStart(12, '0'))
    const { lastInsertRowid } = row.run(id, 'turn', content, '{}', `s${n % 20}`, n, n)
    text.run(lastInsertRowid, content)
  })
  return {
    arm: {
      name: 'plain loop',
      run: () => Promise.resolve(perSecond(() => repeat(() => store.immediate(texts())))),
    },
    close: () => Promise.resolve(void db.close()),
  }
}

function perSecond(work: () => void): number {
  const startedMs = performance.now()
  work()
  return (COMMITS * 1000) / (performance.now() - startedMs)
}

function repeat(work: () => void): void {
  for (let done = 0; done < COMMITS; done++) work()
}
