import assert from 'node:assert/strict'
import { chmod, cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runProcess, type ProcessResult } from './run-process.ts'
import { makeBundle, makeRecording, REPOSITORY, scratchFolder } from './testing.ts'

/** A verdict that depends on where, when or by whom it is checked would be no verdict. */
const NOBODY = 65_534
const isRoot = process.getuid?.() === 0
let folder: string
let project: string
let bundle: string
let key: string

before(async () => {
  folder = await scratchFolder()
  await chmod(folder, 0o755)
  const made = await makeBundle(await makeRecording(folder))
  bundle = made.path
  key = join(folder, 'machine.pem')
  await writeFile(key, made.keys.publicKeyPem, { mode: 0o644 })
  project = join(folder, 'a project elsewhere')
  await mkdir(project)
  for (const part of [
    'gates',
    'ops',
    'services',
    'tools',
    'otel',
    'bench/lib',
    'prometheus',
    'grafana',
    'package.json',
  ])
    await cp(join(REPOSITORY, part), join(project, part), { recursive: true })
  for (const part of ['node_modules', '.tools']) await symlink(join(REPOSITORY, part), join(project, part))
})

after(() => rm(folder, { recursive: true, force: true }))

/** Another user, time zone, locale and umask, in a network namespace whose only interface is the loopback. */
function verifyElsewhere(before: string): Promise<ProcessResult> {
  const asNobody = isRoot ? `setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups` : ''
  const script = `${before} umask 077; exec ${asNobody} env TZ=Pacific/Chatham LC_ALL=tr_TR.UTF-8 HOME=/ "$@"`
  const node = [process.execPath, join(project, 'gates/main.ts'), 'verify', bundle, '--key', key, '--json']
  const namespace = isRoot ? ['-n'] : ['-r', '-n']
  return runProcess('unshare', [...namespace, 'sh', '-ec', script, 'sh', ...node], { cwd: '/' })
}

test('without any network, by another user, elsewhere in the world, the answer is the same', async () => {
  const result = await verifyElsewhere('ip link set lo up;')
  const verification = JSON.parse(result.stdout.toString())
  assert.deepEqual(verification.derived.findings, [])
  assert.equal(result.exitCode, 0, result.stderr)
  assert.equal(verification.verdict, 'PASS')
})

test('without even a loopback the verdict is not taken for derived, and the reason is said', async () => {
  const result = await verifyElsewhere('')
  assert.equal(result.exitCode, 14, result.stderr)
  assert.match(result.stdout.toString(), /loopback interface is down/)
})
