import assert from 'node:assert/strict'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { allCommands } from '../gates/commands.ts'
import { EXIT_CODES } from '../gates/exit-codes.ts'
import packageFile from '../package.json' with { type: 'json' }
import { CATALOG } from '../services/catalog.ts'
import { ERROR_TABLE } from '../services/chassis/errors.ts'
import { thirdPartyNotices } from '../tools/third-party-notices.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const COMMANDS = await allCommands()
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

/** Parts of the SDK at the SDK's own version, for tests or so that no second copy loads: CONTRIBUTING.md. */
const IMPORTED_BY_OTHERS = ['@opentelemetry/sdk-metrics', '@opentelemetry/sdk-trace']

test('each package that runs in production is imported by something of ours', () => {
  const sources = globSync('{services,gates,ops,otel,k6,tools,grafana,deploy}/**/*.ts', {
    cwd: ROOT,
    exclude: (path) => path.includes('node_modules') || path.endsWith('.test.ts'),
  })
  const text = sources.map(document).join('\n')
  const unused = Object.keys(packageFile.dependencies).filter(
    (name) => !new RegExp(`['"]${name}(?:/[^'"]*)?['"]`).test(text),
  )
  assert.deepEqual(unused, IMPORTED_BY_OTHERS)
})

test('the notices name every package that runs in production, with its licence', () => {
  assert.equal(document('THIRD_PARTY_NOTICES.txt'), thirdPartyNotices(ROOT), 'npm run notices')
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

test('docs/operating.md says of every command with --json what it answers, and of no other', () => {
  const page = document('docs/operating.md')
  const section = page.slice(page.indexOf('## Scripts'), page.indexOf('## Upgrade'))
  const withJson = COMMANDS.filter(({ options }) => options.some(({ flags }) => flags === '--json'))
  assert.deepEqual(firstColumn(section, '## Scripts').toSorted(), withJson.map(({ name }) => name).toSorted())
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

/** Every page that people read: at the top, below docs/, and the templates among them. */
const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'RELEASE_CHECKLIST.md',
  'artifacts/README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

test('links between the documents lead somewhere', () => {
  for (const name of PAGES) {
    for (const [, target = ''] of document(name).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      assert.ok(existsSync(join(ROOT, dirname(name), target)), `${name}: ${target}`)
    }
  }
})

const LINE_LENGTH_MAX = 125

test('no line of text is too long to be read beside another; tables, code and headings may be', () => {
  const long = PAGES.flatMap((name) =>
    document(name)
      .replaceAll(/```[\s\S]*?```/g, (code) => code.replaceAll(/[^\n]/g, ''))
      .split('\n')
      .flatMap((line, index) =>
        line.length > LINE_LENGTH_MAX && !/^[|#]/.test(line) ? [`${name}:${index + 1}`] : [],
      ),
  )
  assert.deepEqual(long, [])
})

test('every row of a table has as many cells as its head', () => {
  const uneven = PAGES.flatMap((name) => {
    const lines = document(name).split('\n')
    return lines.flatMap((line, index) => {
      if (!/^\|[-| :]+\|$/.test(line)) return []
      const rows = lines.slice(index - 1)
      const end = rows.findIndex((row) => !row.startsWith('|'))
      const counts = rows.slice(0, end === -1 ? rows.length : end).map(cellsOf)
      return counts.every((count) => count === counts[0]) ? [] : [`${name}:${index}`]
    })
  })
  assert.deepEqual(uneven, [])
})

/** A bar divides cells wherever it stands, unless it is escaped. */
function cellsOf(row: string): number {
  return row.replaceAll(String.raw`\|`, '').split('|').length
}

/** What is wrong with `./sonia` followed by these words, or null. */
function objectionTo(words: readonly string[]): string | null {
  const flags = words.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0] ?? word)
  const named = COMMANDS.toSorted((a, b) => b.name.length - a.name.length).find(({ name }) =>
    name.split(' ').every((part, index) => part === words[index]),
  )
  if (named === undefined) return words.length === 0 || words[0] === '--help' ? null : 'no such command'
  const known = new Set([
    '--help',
    ...named.options.flatMap((option) => option.flags.match(/--[\w-]+/g) ?? []),
  ])
  const unknown = flags.find((flag) => !known.has(flag))
  return unknown === undefined ? null : `no option ${unknown}`
}

test('the check of commands objects to a command and to an option that do not exist', () => {
  assert.equal(objectionTo(['fly']), 'no such command')
  assert.equal(objectionTo(['gates', '--profil', 'ci']), 'no option --profil')
  assert.equal(objectionTo(['gates', '--profile', 'ci']), null)
})

/** What stands between backticks, in a line or as a block: the parts of a page that may be typed. */
function codeOf(page: string): readonly string[] {
  return [...page.matchAll(/```(?!text)[\s\S]*?```|`[^`\n]+`/g)].flatMap(([code]) => code.split('\n'))
}

test('every ./sonia command that a page shows exists, with the options it shows', () => {
  const shown = PAGES.flatMap((name) =>
    codeOf(document(name)).flatMap((line) =>
      [...line.matchAll(/\.\/sonia([^`#|;&>)"]*)/g)].map(([, rest = '']) => ({
        name,
        words: rest.trim().split(/\s+/),
      })),
    ),
  )
  assert.ok(shown.length > 50, `only ${shown.length} commands were found`)
  const objections = shown.flatMap(({ name, words }) => {
    const objection = objectionTo(words.filter((word) => word !== ''))
    return objection === null ? [] : [`${name}: ./sonia ${words.join(' ')}: ${objection}`]
  })
  assert.deepEqual(objections, [])
})
