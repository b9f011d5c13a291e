import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import { scratchFolder } from '../evidence/testing.ts'
import { PROMETHEUS_FILE, PROMTOOL_FILE } from '../evidence/testing-tools.ts'
import { REHEARSAL_CHECKS, rehearseRelease, type RehearsalCheck } from './rehearse-release.ts'

test('the whole release can be rehearsed: every lock holds, then opens, and a second clone accepts it', async () => {
  const scratch = await scratchFolder()
  const told: RehearsalCheck[] = []
  try {
    const checks = await rehearseRelease({
      scratch,
      nowMs: Date.now(),
      tools: { prometheusBinary: PROMETHEUS_FILE, promtoolBinary: PROMTOOL_FILE },
      onCheck: (check) => told.push(check),
    })
    assert.deepEqual(
      checks.filter((check) => !check.isPassed),
      [],
    )
    assert.deepEqual(
      checks.map((check) => check.name),
      [...REHEARSAL_CHECKS],
    )
    assert.deepEqual(told, checks)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
})
