import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { locateTool } from '#tools/locate.ts'
import { REPO, testHost } from '../fixtures/test-host.ts'
import { alertGroups } from './render-rules.ts'
import { PRODUCTION_TIMING } from './timing.ts'

const CONFIG = join(REPO, 'prometheus', 'alertmanager.yml')
const RECEIVERS = { critical: 'page', warning: 'ticket', info: 'none' } as const

/** The receiver that Alertmanager's own routing picks for these labels. */
async function receiverOf(labels: Readonly<Record<string, string>>): Promise<string> {
  const { path } = await locateTool('amtool', { ...testHost, repository: REPO })
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  return execFileSync(path, ['config', 'routes', 'test', `--config.file=${CONFIG}`, ...pairs], {
    encoding: 'utf8',
  }).trim()
}

test('an alert without a known severity still reaches somebody', async () => {
  assert.equal(await receiverOf({ alertname: 'Foreign', service: 'x' }), 'ticket')
})

test('critical pages, warning opens a ticket, info tells nobody, the Watchdog beats the heart', async () => {
  for (const [severity, receiver] of Object.entries(RECEIVERS)) {
    assert.equal(await receiverOf({ alertname: 'Any', severity, service: 'openclaw' }), receiver)
  }
  assert.equal(
    await receiverOf({ alertname: 'Watchdog', severity: 'info', service: 'prometheus' }),
    'heartbeat',
  )
})

test('every rule has a severity that is routed on purpose', () => {
  const severities = Object.values(alertGroups(PRODUCTION_TIMING)).flatMap((rules) =>
    rules.map((rule) => rule.severity),
  )
  assert.deepEqual(new Set(severities), new Set(Object.keys(RECEIVERS)))
})
