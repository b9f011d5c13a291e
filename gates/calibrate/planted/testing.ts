import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadCriteriaFolder } from '../../engine/load-criteria.ts'
import { prometheusClient } from '../../engine/prometheus-client.ts'
import { type CriterionResult, VERDICTS } from '../../engine/types.ts'
import { PROMETHEUS_FILE, PROMTOOL_FILE } from '../../evidence/testing-tools.ts'
import { withPlantedCases } from './judge-cases.ts'
import { judgePlaced, rememberingClient } from './judge-placed.ts'
import type { PlantedCase } from './planted-case.ts'

const CRITERIA = join(fileURLToPath(new URL('../../..', import.meta.url)), 'gates', 'criteria')
const binaries = { prometheus: PROMETHEUS_FILE, promtool: PROMTOOL_FILE, scratchParent: tmpdir() }

/** One test per case, judged by the production criteria through a real Prometheus. */
export function testPlantedCases(cases: readonly PlantedCase[]): void {
  const judged = new Map<string, readonly CriterionResult[]>()
  before(async () => {
    const gates = await loadCriteriaFolder(CRITERIA)
    await withPlantedCases(binaries, cases, async (url, placed) => {
      const client = rememberingClient(prometheusClient({ url }))
      for (const one of placed) {
        const criteria = gates.find(({ gate }) => gate === one.planted.gate)?.criteria ?? []
        const decidable = criteria.filter(({ needsSeconds }) => needsSeconds <= one.planted.seconds)
        const results = decidable.map((criterion) => judgePlaced(criterion, one, client))
        judged.set(one.planted.name, await Promise.all(results))
      }
    })
  })
  for (const { name, expect } of cases) {
    test(`through a real Prometheus: ${name}`, () => {
      const results = judged.get(name) ?? []
      assert.ok(results.length > 0)
      for (const [id, expected] of Object.entries(expect)) {
        const named = results.filter((one) => (id === '*' ? !Object.hasOwn(expect, one.id) : one.id === id))
        assert.ok(named.length > 0, `${id} was judged`)
        for (const one of named) assertSays(one, expected)
      }
    })
  }
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
