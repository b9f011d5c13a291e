import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SERVICE_NAMES } from '#catalog'
import { CHECK_OUTCOMES, createOpsMetrics } from './ops-metrics.ts'

test('an undeclared check is refused: its counter would be born at 1', () => {
  const ops = createOpsMetrics()
  ops.declareChecks('go-no-go', ['cycle'])
  assert.throws(() => ops.countCheck('go-no-go', 'health', 'pass'), /not declared/)
  assert.throws(() => ops.countCheck('soak', 'cycle', 'pass'), /not declared/)
})

test('declared checks start with every outcome at 0', async () => {
  const ops = createOpsMetrics()
  ops.declareChecks('go-no-go', ['cycle', 'health'])
  ops.countCheck('go-no-go', 'health', 'pass', 6)
  const text = await ops.registry.metrics()
  for (const outcome of CHECK_OUTCOMES) {
    assert.match(
      text,
      new RegExp(`^sonia_gate_checks_total{gate="go-no-go",check="cycle",outcome="${outcome}"} 0$`, 'm'),
    )
  }
  assert.match(text, /^sonia_gate_checks_total\{gate="go-no-go",check="health",outcome="pass"\} 6$/m)
})

test('declaring a check again keeps its counts', async () => {
  const ops = createOpsMetrics()
  ops.declareChecks('soak', ['k6'])
  ops.countCheck('soak', 'k6', 'fail')
  ops.declareChecks('soak', ['k6'])
  assert.match(await ops.registry.metrics(), /check="k6",outcome="fail"\} 1$/m)
})

test('restarts of all six services start at 0', async () => {
  const text = await createOpsMetrics().registry.metrics()
  for (const service of SERVICE_NAMES) {
    assert.match(text, new RegExp(`^sonia_service_restarts_total{service="${service}"} 0$`, 'm'))
  }
})

test('what never happened is absent, not 0: no backup in 1970', async () => {
  const text = await createOpsMetrics().registry.metrics()
  assert.doesNotMatch(text, /^sonia_backup_(last|next|duration)\w* /m)
  assert.doesNotMatch(text, /^sonia_gate_verdict/m)
})

test('verdict and numbers of criteria are exported, and only those that exist', async () => {
  const ops = createOpsMetrics()
  ops.setVerdict('soak', 'INCONCLUSIVE')
  ops.setCriterion('soak', 'soak.error-ratio', { value: 0.001, limit: 0.005 })
  const text = await ops.registry.metrics()
  assert.match(text, /^sonia_gate_verdict\{gate="soak"\} 0\.5$/m)
  assert.match(text, /^sonia_gate_value\{gate="soak",criterion="soak\.error-ratio"\} 0\.001$/m)
  assert.doesNotMatch(text, /^sonia_gate_bound/m)
})
