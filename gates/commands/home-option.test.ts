import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { allCommands } from '../commands.ts'
import { runProgram } from '../program.ts'
import { hostForTest } from '../host-for-test.ts'

const COMMANDS = await allCommands()

/** They read bundles, criteria or the repository, and make state folders of their own. */
const WITHOUT_HOME: ReadonlySet<string> = new Set([
  'gates calibrate',
  'plan',
  'judge',
  'verify',
  'drill alerts',
  'tools',
  'bench',
  'test',
  'completion',
])

async function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const host = hostForTest(argv, env)
  const exitCode = await runProgram(host)
  return { exitCode, stdout: host.printed.stdout, stderr: host.printed.stderr }
}

test('every command that works with a state folder takes --home, in the same words', () => {
  const flags = (of: (typeof COMMANDS)[number]) =>
    of.options.filter(({ flags: own }) => own.startsWith('--home'))
  const without = COMMANDS.filter((command) => flags(command).length === 0).map(({ name }) => name)
  assert.deepEqual(without.toSorted(), [...WITHOUT_HOME].toSorted())
  assert.equal(new Set(COMMANDS.flatMap(flags)).size, 1)
})

test('--home goes before SONIA_HOME, is one of where the command was called, and must name a folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sonia-home-'))
  try {
    mkdirSync(join(folder, 'own', 'config'), { recursive: true })
    const env = { SONIA_HOME: dirname(folder) }
    const listed = await run(['backups', 'list', '--home', join(folder, 'own'), '--json'], env)
    assert.deepEqual(JSON.parse(listed.stdout), { folder: join(folder, 'own', 'backups'), backups: [] })
    const relative = await run(['backups', '--home', 'var/nowhere', '--json'])
    assert.match(relative.stdout, /"folder":"\/.*\/var\/nowhere\/backups"/)
    const empty = await run(['backups', '--home', ''], env)
    assert.deepEqual([empty.exitCode, empty.stdout], [64, ''])
    assert.match(empty.stderr, /--home names no folder/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
