import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { hostForTest } from '../host-for-test.ts'
import { runProgram } from '../program.ts'

test('a state folder that never was is no empty log', async () => {
  const home = join(tmpdir(), 'sonia-never-was')
  const host = hostForTest(['logs'], { SONIA_HOME: home })
  assert.equal(await runProgram(host), 65)
  assert.match(host.printed.stderr, /there are no logs: .*never-was.*\n {2}try: /)
})
