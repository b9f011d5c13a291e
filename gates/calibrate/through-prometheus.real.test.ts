import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadCriteriaFiles } from '../engine/load-criteria.ts'
import { PROMETHEUS_FILE, PROMTOOL_FILE } from '../evidence/testing-tools.ts'
import { calibrateFamilies, type FamilyRates } from './calibrate-families.ts'
import { FAMILIES } from './histories/families.ts'
import { calibrateThroughPrometheus } from './through-prometheus.ts'

const verdictsOf = ({ family, judged }: FamilyRates) => [family, judged.map(({ verdict }) => verdict)]

const binaries = { prometheus: PROMETHEUS_FILE, promtool: PROMTOOL_FILE, scratchParent: tmpdir() }

test('blocks, Prometheus and the production criterion say what the judge says of the same histories', async () => {
  const soak = join(fileURLToPath(new URL('../..', import.meta.url)), 'gates', 'criteria', 'soak.yaml')
  const [gate] = await loadCriteriaFiles([soak])
  const criterion = gate?.criteria.find(({ id }) => id === 'soak.memory')
  assert.ok(criterion !== undefined)
  const families = FAMILIES.filter(({ id }) => ['short', 'leak-5', 'cache-fill-8h'].includes(id))
  const settings = { families, histories: 6, seed: 3 }
  const through = await calibrateThroughPrometheus(criterion, settings, binaries)
  const direct = await calibrateFamilies({
    plans: families.map((family) => ({ family, histories: settings.histories })),
    seed: settings.seed,
    workers: 1,
  })
  assert.deepEqual(through.map(verdictsOf), direct.map(verdictsOf))
})
