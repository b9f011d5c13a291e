import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { reservePortBase } from '../tests/reserve-port-base.ts'
import { hostForTest } from './host-for-test.ts'
import { runProgram } from './program.ts'
import { wireNames } from './wire-names.ts'

const home = await mkdtemp(join(tmpdir(), 'sonia-json-'))
const portBase = String(await reservePortBase())
after(() => rm(home, { recursive: true, force: true }))

test('names are turned at every depth, what is not known is null, and values stay', () => {
  const own = { p95Seconds: 1, 'api-gateway': [{ isYes: null, nextBackupAt: 'aB' }], other_name: undefined }
  assert.deepEqual(wireNames(own), {
    p95_seconds: 1,
    'api-gateway': [{ is_yes: null, next_backup_at: 'aB' }],
    other_name: null,
  })
})

/** Every name of every object, at any depth. */
function namesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.values(value).flatMap(namesIn)
  return Array.isArray(value) ? inner : [...Object.keys(value), ...inner]
}

/** The names of an answer in the table of docs/operating.md; those in parentheses lie deeper. */
function documented(command: string): readonly string[] {
  const page = readFileSync(new URL('../docs/operating.md', import.meta.url), 'utf8')
  const row = page.split('\n').find((line) => line.startsWith(`| \`${command}\` |`)) ?? ''
  const cell = (row.split('|')[2] ?? '').replaceAll(/\([^)]*\)/g, '')
  return [...cell.matchAll(/`([a-z0-9_]+)`/g)].map(([, name = '']) => name).toSorted()
}

const COMMANDS: readonly (readonly string[])[] = [
  ['status', '--port-base', portBase],
  ['down'],
  ['backups'],
  ['plan', '--profile', 'ci'],
  ['tools'],
  ['verify', home],
  ['preflight'],
]
for (const words of COMMANDS) {
  test(`"${words[0]} --json" is one line with the names that docs/operating.md lists, in snake_case`, async () => {
    const host = hostForTest([...words, '--json'], { SONIA_HOME: home })
    await runProgram(host)
    const answer: unknown = JSON.parse(host.printed.stdout)
    const [first]: readonly unknown[] = Array.isArray(answer) ? answer : [answer]
    assert.deepEqual(Object.keys(first as object).toSorted(), documented(words[0] ?? ''))
    const names = namesIn(answer)
    assert.deepEqual(
      names.filter((name) => !/^[a-z0-9]+([_-][a-z0-9]+)*$/.test(name)),
      [],
    )
    assert.equal(host.printed.stdout.trimEnd().split('\n').length, 1)
  })
}
