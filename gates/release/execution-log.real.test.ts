import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newMachineKey } from '../evidence/machine-key.ts'
import { copyForDamage, makeBundle, makeRecording, overwrite, scratchFolder } from '../evidence/testing.ts'
import { trustFromKey } from '../evidence/trust.ts'
import { executionLog, readRuns } from './execution-log.ts'

const keys = newMachineKey()
let folder: string
let artifacts: string

before(async () => {
  folder = await scratchFolder()
  artifacts = join(folder, 'artifacts')
  const bundle = await makeBundle(await makeRecording(folder), { keys })
  const damaged = await copyForDamage(bundle.path, join(artifacts, 'run-2'))
  await overwrite(join(damaged, 'gates/soak/k6.log'), 'delivered 300 of 300, honestly\n')
})

after(() => rm(folder, { recursive: true, force: true }))

test('a bundle that does not check out is listed with the reason, and without a verdict', async () => {
  const log = executionLog(await readRuns(artifacts, trustFromKey(keys.publicKeyPem)))
  assert.match(log, /^2 runs, 1 of them/m)
  assert.match(log, /## run-2\n\nNo verdict: .*\n\n- FILE_CHANGED: /)
})

test('a bundle of a machine that was not named has no verdict either', async () => {
  const log = executionLog(await readRuns(artifacts, trustFromKey(newMachineKey().publicKeyPem)))
  assert.match(log, /^2 runs, 0 of them/m)
  assert.doesNotMatch(log, /: PASS/)
})

test('a whole bundle shows its verdict per gate, its commit and its digest', async () => {
  const log = executionLog(await readRuns(artifacts, trustFromKey(keys.publicKeyPem)))
  assert.match(log, /## run-1: PASS\n\n- at 2026-.*profile `smoke`, run\n- commit `[0-9a-f]{40}`/)
  assert.match(log, /\| go-no-go \| PASS \| 1 of 1 \|/)
  assert.match(log, /Not judged at this length: `soak\.growth`\./)
})
