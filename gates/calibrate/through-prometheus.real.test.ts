import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadCriteriaFiles } from '../engine/load-criteria.ts'
import { PROMETHEUS_FILE, PROMTOOL_FILE } from '../evidence/testing-tools.ts'
import { calibrateFamilies, type FamilyRates } from './calibrate-families.ts'
import { FAMILIES } from './histories/families.ts'
import { calibrateThroughPrometheus, RESOURCES } from './through-prometheus.ts'

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
  for (const id of Object.keys(RESOURCES).filter((one) => one !== 'soak.memory')) {
    const { through, direct } = await verdictsThrough(id, ['leak-5'], 6)
    assert.deepEqual(through, direct, id)
  }
})

test('a leak that a restart masks is never a PASS: its guard sees the restart', async () => {
  const { through } = await verdictsThrough('soak.memory', ['restart-masks-1'], 6)
  assert.deepEqual(through, [['restart-masks-1', Array<string>(6).fill('INCONCLUSIVE')]])
})
