import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadCriteriaFiles } from '../engine/load-criteria.ts'
import { PROMETHEUS_FILE, PROMTOOL_FILE } from '../evidence/testing-tools.ts'
import { calibrateFamilies, type FamilyRates } from './calibrate-families.ts'
import { FAMILIES } from './histories/families.ts'
import { SUBJECTS } from './planted-subjects.ts'
import { calibrateThroughPrometheus } from './through-prometheus.ts'

const verdictsOf = ({ family, judged }: FamilyRates) => [family, judged.map(({ verdict }) => verdict)]

const binaries = { prometheus: PROMETHEUS_FILE, promtool: PROMTOOL_FILE, scratchParent: tmpdir() }

const soak = fileURLToPath(new URL('../criteria/soak.yaml', import.meta.url))
const [gate] = await loadCriteriaFiles([soak])

const verdictsThrough = async (id: string, named: readonly string[], histories: number) => {
  const criterion = gate?.criteria.find((one) => one.id === id)
  assert.ok(criterion !== undefined)
  const families = FAMILIES.filter((family) => named.includes(family.id))
  const through = await calibrateThroughPrometheus(criterion, { families, histories, seed: 3 }, binaries)
  const plans = families.map((family) => ({ family, histories }))
  const direct = await calibrateFamilies({ plans, seed: 3, workers: 1 })
  return { through: through.map(verdictsOf), direct: direct.map(verdictsOf) }
}

test('blocks, Prometheus and the production criterion say what the judge says of the same histories', async () => {
  const { through, direct } = await verdictsThrough('soak.memory', ['short', 'leak-5', 'cache-fill-8h'], 6)
  assert.deepEqual(through, direct)
})

test('so do the other criteria of growth, of histories in their unit', async () => {
  for (const id of Object.keys(SUBJECTS).filter(
    (one) => SUBJECTS[one]?.kind === 'memory' && one !== 'soak.memory',
  )) {
    const { through, direct } = await verdictsThrough(id, ['leak-5'], 6)
    assert.deepEqual(through, direct, id)
  }
})

test('a leak that a restart masks is never a PASS: its guard sees the restart', async () => {
  const { through } = await verdictsThrough('soak.memory', ['restart-masks-1'], 6)
  assert.deepEqual(through, [['restart-masks-1', Array<string>(6).fill('INCONCLUSIVE')]])
})

test('a p95 that drifts fails through buckets, rates and quantiles of Prometheus; a steady one does not', async () => {
  const { through, direct } = await verdictsThrough('soak.p95-drift', ['p95-steady', 'p95-40-percent'], 8)
  const [[, steady], [, drifting]] = through as [[string, string[]], [string, string[]]]
  assert.deepEqual(drifting, Array<string>(8).fill('FAIL'))
  assert.ok(!steady.includes('FAIL') && steady.includes('PASS'), steady.join(' '))
  // Whole hours of the judge's own are an hour but a minute in a rate: near the bound a verdict may differ.
  const same = steady.filter((verdict, index) => verdict === direct[0]?.[1]?.[index])
  assert.ok(same.length >= 7, `${same.length} of 8 as the judge says of the same histories`)
})
