import assert from 'node:assert/strict'
import { env } from 'node:process'
import { mock, test } from 'node:test'
import { createOpsMetrics } from '../ops-metrics.ts'
import { startBackupSchedule } from './backup-schedule.ts'
import { realFileSystem } from './file-system.ts'
import { freshHome } from './fixtures/backed-up.ts'

const HOUR_MS = 3_600_000
const EVERY_MS = 5.5 * HOUR_MS
const NOW = Date.UTC(2026, 5, 1)

for (const [what, byMs] of [
  ['back by a year', -8760 * HOUR_MS],
  ['ahead by a year', 8760 * HOUR_MS],
] as const) {
  test(`a clock that is set ${what} while the stack is up puts the next backup neither off nor forward`, async () => {
    const ops = createOpsMetrics()
    mock.timers.enable({ apis: ['Date'], now: NOW })
    const log = () => undefined
    const schedule = startBackupSchedule({ home: freshHome(), ops, files: realFileSystem, env, log })
    try {
      const startedMs = performance.now()
      assert.equal(await secondsToNext(ops, NOW), EVERY_MS / 1000)
      mock.timers.setTime(NOW + byMs)
      await schedule.runNow()
      const seconds = await secondsToNext(ops, NOW + byMs)
      const left = (EVERY_MS - (performance.now() - startedMs)) / 1000
      assert.ok(Math.abs(seconds - left) < 60, `${seconds} s, not ${left}`)
    } finally {
      schedule.stop()
      mock.timers.reset()
    }
  })
}

async function secondsToNext(ops: ReturnType<typeof createOpsMetrics>, nowMs: number): Promise<number> {
  const line = /^sonia_backup_next_timestamp_seconds (\S+)$/m.exec(await ops.registry.metrics())
  return Math.round(Number(line?.[1]) - nowMs / 1000)
}
