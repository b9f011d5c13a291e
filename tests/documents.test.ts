import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { COMMANDS } from '../gates/commands.ts'
import { EXIT_CODES } from '../gates/exit-codes.ts'
import packageFile from '../package.json' with { type: 'json' }
import { CATALOG } from '../services/catalog.ts'
import { ERROR_TABLE } from '../services/chassis/errors.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const LINES_MAX = 150

function document(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8')
}

/** Every `code` in the first column of a table below a heading. */
function firstColumn(text: string, heading: string): readonly string[] {
  const section = text.slice(text.indexOf(heading))
  const rows = section.split('\n').filter((line) => line.startsWith('| `') || line.startsWith('| '))
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
  )
}

test('each dependency has its reason in CONTRIBUTING.md, and no reason outlived its dependency', () => {
  const listed = firstColumn(document('CONTRIBUTING.md'), '## Dependencies').toSorted()
  const used = [
    ...Object.keys(packageFile.dependencies),
    ...Object.keys(packageFile.devDependencies),
  ].toSorted()
  assert.deepEqual(listed, used)
})

test('the README lists every exit code and every command, and no other', () => {
  const readme = document('README.md')
  const codes = firstColumn(readme, '## Exit codes')
    .filter((text) => /^\d+$/.test(text))
    .map(Number)
  assert.deepEqual(
    codes.toSorted((a, b) => a - b),
    Object.values(EXIT_CODES).toSorted((a, b) => a - b),
  )
  const commands = firstColumn(readme.slice(0, readme.indexOf('## Exit codes')), '## Commands')
  assert.deepEqual(commands.toSorted(), COMMANDS.map(({ name }) => name).toSorted())
})

test('the README lists every error code with its status', () => {
  const readme = document('README.md')
  for (const [code, { status }] of Object.entries(ERROR_TABLE)) {
    assert.ok(readme.includes(`| \`${code}\` | ${status} |`), code)
  }
})

test('the README names every service with its port', () => {
  const readme = document('README.md')
  for (const { name, port } of Object.values(CATALOG))
    assert.ok(readme.includes(`| \`${name}\` | ${port} |`), name)
})

test('ARCHITECTURE.md is short, and every folder that it names is there', () => {
  const text = document('ARCHITECTURE.md')
  assert.ok(text.split('\n').length <= LINES_MAX)
  for (const path of firstColumn(text, '## Codemap')) {
    if (!path.includes('<')) assert.ok(existsSync(join(ROOT, path)), path)
  }
})

test('links between the documents lead somewhere', () => {
  for (const name of [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'docs/release.md',
    'docs/runbooks/README.md',
  ]) {
    for (const [, target = ''] of document(name).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(ROOT, dirname(name), target)), `${name}: ${target}`)
    }
  }
})
