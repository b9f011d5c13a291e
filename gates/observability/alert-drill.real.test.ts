import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { type TestContext, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { type AlertDrillOptions, type AlertDrillReport, drillAlerts } from '#ops/drills/alert-drill.ts'
import type { Pager } from '#ops/drills/pager.ts'
import { startPager } from '../doubles/pager.ts'
import { hostForTest } from '../host-for-test.ts'

const PORT_BASE = 26_800
const host = hostForTest([], env)

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sonia-drill-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function drill(
  t: TestContext,
  plant: Partial<AlertDrillOptions> & { readonly receiver?: (pager: Pager) => Pager } = {},
): Promise<AlertDrillReport> {
  const { receiver = (pager: Pager) => pager, ...options } = plant
  const pager = await startPager({ port: 0, nowMs: () => host.clock.monotonicMs() })
  t.after(() => pager.stop())
  return drillAlerts({
    repo: host.repository,
    home: temporaryFolder(t),
    portBase: PORT_BASE,
    host,
    signal: host.interrupted,
    say: () => undefined,
    ...options,
    pager: receiver(pager),
  })
}

/** What never came, or never ended. */
function missing({ alerts }: AlertDrillReport): readonly string[] {
  return alerts
    .filter((entry) => entry.fired_after_ms === null || entry.resolved_after_ms === null)
    .map(({ alert, severity }) => `${alert} ${severity}`)
}

/** Takes every notification of one alert and tells nobody. */
function swallowing(pager: Pager, alert: string): Pager {
  return {
    url: pager.url,
    get notices() {
      return pager.notices.filter((notice) => notice.alert !== alert)
    },
    get refusals() {
      return pager.refusals
    },
    failNext: (path, times) => pager.failNext(path, times),
    stop: () => pager.stop(),
  }
}

test('a page that a receiver swallows and tickets that nothing holds back fail the drill, each for itself', async (t) => {
  const repo = temporaryFolder(t)
  for (const name of readdirSync(host.repository)) {
    if (name !== 'prometheus') symlinkSync(join(host.repository, name), join(repo, name))
  }
  const original = join(host.repository, 'prometheus')
  const copy = temporaryFolder(t)
  symlinkSync(copy, join(repo, 'prometheus'))
  for (const name of ['prometheus.yml', 'rules']) symlinkSync(join(original, name), join(copy, name))
  const config = parse(readFileSync(join(original, 'alertmanager.yml'), 'utf8')) as object
  writeFileSync(join(copy, 'alertmanager.yml'), stringify({ ...config, inhibit_rules: [] }))
  const report = await drill(t, {
    scope: 'part',
    repo,
    patience: { fireMs: 20_000, resolveMs: 20_000 },
    receiver: (pager) => swallowing(pager, 'RequestStuck'),
  })
  assert.deepEqual(missing(report), ['RequestStuck critical'])
  assert.ok(report.not_inhibited.includes('VoiceSessionStuck drill-inhibition'), String(report.not_inhibited))
  assert.equal(report.passed, false)
})

test('every alert arrives at its receiver and resolves, and silence is noticed', async (t) => {
  const report = await drill(t)
  assert.deepEqual(missing(report), [])
  assert.deepEqual(report.not_drilled, [])
  assert.deepEqual(report.not_inhibited, [])
  assert.deepEqual(report.broken_annotations, [])
  assert.equal(report.refused_deliveries, 2)
  assert.equal(report.heartbeat.passed, true)
  assert.equal(report.passed, true)
})
