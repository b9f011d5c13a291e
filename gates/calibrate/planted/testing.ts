import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Criterion, GateCriteria } from '../../engine/criterion.ts'
import { loadCriteriaFolder } from '../../engine/load-criteria.ts'
import { prometheusClient } from '../../engine/prometheus-client.ts'
import { type CriterionResult, VERDICTS } from '../../engine/types.ts'
import { judgeCriterion } from '../../judges/judge-criterion.ts'
import { rememberingDesigner } from '../../statistics/trend-fit.ts'
import { PROMETHEUS_FILE, PROMTOOL_FILE } from '../../evidence/testing-tools.ts'
import { withPlantedCases } from './judge-cases.ts'
import { judgePlaced, rememberingClient } from './judge-placed.ts'
import type { PlantedCase } from './planted-case.ts'

const CRITERIA = join(fileURLToPath(new URL('../../..', import.meta.url)), 'gates', 'criteria')
const binaries = { prometheus: PROMETHEUS_FILE, promtool: PROMTOOL_FILE, scratchParent: tmpdir() }

/** One test per case, judged by the production criteria through a real Prometheus. */
export function testPlantedCases(cases: readonly PlantedCase[]): void {
  const judged = new Map<string, readonly CriterionResult[]>()
  const design = rememberingDesigner()
  const judge: typeof judgeCriterion = (how, answers, expected) =>
    judgeCriterion(how, answers, expected, design)
  before(async () => {
    const gates = await loadCriteriaFolder(CRITERIA)
    const asked = new Map(cases.map((planted) => [planted.name, askedOf(planted, gates)]))
    const lean = cases.map((planted) => withSeriesOf(asked.get(planted.name) ?? [], planted))
    await withPlantedCases(binaries, lean, async (url, placed) => {
      const client = rememberingClient(prometheusClient({ url }))
      for (const one of placed) {
        const { name } = one.planted
        const results = (asked.get(name) ?? []).map((criterion) => judgePlaced(criterion, one, client, judge))
        judged.set(name, await Promise.all(results))
      }
    })
  })
  for (const { name, expect } of cases) {
    test(`through a real Prometheus: ${name}`, () => {
      const results = judged.get(name) ?? []
      assert.ok(results.length > 0)
      if (isUnnamed(expect))
        assert.ok(
          results.some(({ verdict }) => verdict !== 'PASS'),
          'the gate passed',
        )
      for (const [id, expected] of Object.entries(expect)) {
        const named = results.filter((one) => (id === '*' ? !Object.hasOwn(expect, one.id) : one.id === id))
        assert.ok(named.length > 0, `${id} was judged`)
        for (const one of named) assertSays(one, expected)
      }
    })
  }
}

/** A case that names criteria is judged by these alone: most of two days' cost would be answers that nobody looks at. */
function askedOf(
  { gate, seconds, expect }: PlantedCase,
  gates: readonly GateCriteria[],
): readonly Criterion[] {
  const criteria = gates.find((one) => one.gate === gate)?.criteria ?? []
  const isForAll = isUnnamed(expect) || Object.hasOwn(expect, '*')
  return criteria.filter(
    ({ id, needsSeconds }) => needsSeconds <= seconds && (isForAll || Object.hasOwn(expect, id)),
  )
}

/** Only what some question names is written: writing is most of what these tests cost. */
function withSeriesOf(criteria: readonly Criterion[], planted: PlantedCase): PlantedCase {
  const words = new Set(JSON.stringify(criteria).match(/[a-zA-Z_:][\w:]*/g))
  return { ...planted, series: planted.series.filter(({ name }) => words.has(name)) }
}

/** Something is wrong, and whichever criterion it is that says so, the gate must not pass. */
function isUnnamed(expect: PlantedCase['expect']): boolean {
  return Object.keys(expect).length === 0
}

function assertSays(one: CriterionResult, expected: string): void {
  const isVerdict = VERDICTS.some((verdict) => verdict === expected)
  const said = `${one.id}: ${one.verdict} ${one.reasons.join(' ')}: ${one.sentence}`
  assert.equal(one.verdict, isVerdict ? expected : 'INCONCLUSIVE', said)
  if (!isVerdict)
    assert.ok(
      one.reasons.some((reason) => reason === expected),
      said,
    )
}
