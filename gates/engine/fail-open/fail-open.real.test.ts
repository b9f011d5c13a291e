import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type PlacedCase, withPlantedCases } from '../../calibrate/planted/judge-cases.ts'
import { judgePlaced } from '../../calibrate/planted/judge-placed.ts'
import { startOverBlocks } from '../../evidence/recorded-prometheus.ts'
import { PROMETHEUS_FILE, PROMTOOL_FILE } from '../../evidence/testing-tools.ts'
import { composeVerdict } from '../compose-verdict.ts'
import type { GateCriteria } from '../criterion.ts'
import { loadCriteriaFolder } from '../load-criteria.ts'
import { prometheusClient } from '../prometheus-client.ts'
import { type CriterionResult, GATE_IDS } from '../types.ts'
import { casesOf, SITUATIONS, type Situation, soundHistories } from './situations.ts'

const CRITERIA = fileURLToPath(new URL('../../criteria', import.meta.url))
let scratch = ''
let gates: readonly GateCriteria[] = []

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sonia-fail-open-'))
  gates = await loadCriteriaFolder(CRITERIA)
})

after(() => rm(scratch, { recursive: true, force: true }))

/** What became of the seven gates: their criteria's results, gate by gate. Nothing where blocks could not be opened. */
type Outcome = ReadonlyMap<string, readonly CriterionResult[]>

async function outcomeOf(situation: Situation): Promise<Outcome> {
  const binaries = { prometheus: PROMETHEUS_FILE, promtool: PROMTOOL_FILE, scratchParent: scratch }
  return withPlantedCases(binaries, casesOf(situation), async (url, placed, blocks) => {
    const cut = situation.prometheus
    if (cut === undefined) return judgeAll(url, placed, situation)
    if (cut === 'down') return judgeAll('http://127.0.0.1:1', placed, situation)
    return judgeDamaged(blocks, placed, situation)
  })
}

async function judgeDamaged(
  blocks: string,
  placed: readonly PlacedCase[],
  situation: Situation,
): Promise<Outcome> {
  const file = situation.prometheus === 'index' ? 'index' : 'chunks/000001'
  // A copy: the first Prometheus still holds the folder.
  const damaged = await mkdtemp(join(scratch, 'damaged-'))
  for (const name of await readdir(blocks)) {
    const isBlock = existsSync(join(blocks, name, 'meta.json'))
    if (!isBlock) continue
    await cp(join(blocks, name), join(damaged, name), { recursive: true })
    await truncate(join(damaged, name, file), CUT_TO_BYTES)
  }
  const prometheus = await startOverBlocks(PROMETHEUS_FILE, scratch, damaged).catch(() => null)
  if (prometheus === null) return new Map()
  try {
    return await judgeAll(prometheus.url, placed, situation)
  } finally {
    await prometheus.stop()
  }
}

const CUT_TO_BYTES = 2000

async function judgeAll(
  url: string,
  placed: readonly PlacedCase[],
  { offset = 0, ask }: Situation,
): Promise<Outcome> {
  const client = prometheusClient({ url })
  const outcome = new Map<string, readonly CriterionResult[]>()
  for (const { planted, start } of placed) {
    const own = gates.find(({ gate }) => gate === planted.gate)?.criteria ?? []
    const decidable = own.filter(({ needsSeconds }) => needsSeconds <= planted.seconds)
    const missed = { planted, start: start + offset }
    const results = decidable.map((one) => judgePlaced(ask === undefined ? one : ask(one), missed, client))
    outcome.set(planted.gate, await Promise.all(results))
  }
  return outcome
}

function verdictsOf(outcome: Outcome): readonly string[] {
  return [...outcome.values()].map((results) => composeVerdict(results.map(({ verdict }) => verdict)))
}

test('with nothing wrong all seven gates pass: what follows can fail', async () => {
  const outcome = await outcomeOf({ name: 'sound' })
  assert.deepEqual([...outcome.keys()].toSorted(), [...GATE_IDS].toSorted())
  assert.ok(verdictsOf(outcome).every((verdict) => verdict === 'PASS'))
  assert.equal(soundHistories().length, GATE_IDS.length)
})

for (const situation of SITUATIONS) {
  test(`0 PASS: ${situation.name}`, async (t) => {
    const outcome = await outcomeOf(situation)
    const resting = [...outcome.values()].flat().filter(({ id }) => !isSpared(situation, id))
    t.diagnostic(rowOf(situation, outcome, resting))
    assert.deepEqual(
      verdictsOf(outcome).filter((verdict) => verdict === 'PASS'),
      [],
    )
    const passed = resting.filter(({ verdict }) => verdict === 'PASS')
    assert.deepEqual(
      passed.map(({ id }) => id),
      [],
    )
  })
}

function isSpared({ spares }: Situation, id: string): boolean {
  const criterion = gates.flatMap(({ criteria }) => criteria).find((one) => one.id === id)
  return criterion !== undefined && spares !== undefined && spares(criterion)
}

/** A row of docs/measurements/judge.md. */
function rowOf({ name }: Situation, outcome: Outcome, resting: readonly CriterionResult[]): string {
  const of = (results: readonly { readonly verdict: string }[], word: string) =>
    results.filter(({ verdict }) => verdict === word).length
  const gatesPassed = verdictsOf(outcome).filter((verdict) => verdict === 'PASS').length
  const reasons = [...new Set(resting.flatMap((one) => one.reasons))].toSorted()
  const counts = [
    `${gatesPassed} of ${outcome.size}`,
    `${of(resting, 'PASS')} of ${resting.length}`,
    of(resting, 'FAIL'),
  ]
  const said = outcome.size === 0 ? 'Prometheus does not open them: no verdict' : reasons.join(' ')
  return `| ${[name, ...counts, said].join(' | ')} |`
}
