import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ServiceError } from '#chassis/errors.ts'
import { parsePath } from './path-name.ts'

fc.configureGlobal({ seed: 20261124 })

const root = { prefixes: ['/srv/sandbox'] }

const outside = [
  '..',
  '../x',
  '../../../../etc/passwd',
  'a/../../x',
  '/etc/passwd',
  '/',
  '//srv/sandbox/x',
  '/srv/sandbox-evil/x',
  '/srv/sandbox/../x',
  '/srv',
  '/proc/self/root/etc/passwd',
  '~',
  '~/x',
  '~root/x',
  '$HOME/x',
  '${HOME}/x',
  '$(id)/x',
  '%HOME%/x',
  'file:///etc/passwd',
  'http://x/',
  'C:/Windows',
  'C:\\Windows',
  'c:x',
  'S:..\\x',
  'S:/../x',
  'S:\\..\\..\\etc',
  '..\\..\\etc',
  'a/..\\..',
  '%2e%2e/x',
  '..%2fx',
  '%252e%252e%252f',
  '%c0%ae%c0%ae/x',
  'a%00b',
  '．．/x',
  '‥/x',
  'a／b',
  'S:/%2e%2e/x',
]
for (const path of outside) {
  test(`${JSON.stringify(path)} lies outside`, () => {
    assert.throws(
      () => parsePath(root, path),
      (error) => reasonOf(error) === 'OUTSIDE_SANDBOX',
    )
  })
}

const refusedNames = [
  '.jq',
  '.local/bin/ls',
  '.xsession',
  'a\0b',
  'a\nb',
  'a\u202eb',
  'a\u200bb',
  '\ufeffa',
  'a\u2028b',
  '\ud800',
  '.git/config',
  '.GIT/config',
  'x/.git',
  '.git.',
  '.git ',
  '．git/x',
  'git~1/x',
  'GIT~2',
  '.bashrc',
  '.Bash_Profile',
  '.env',
  '.ssh/id_ed25519',
  '.npmrc',
  '.mcp.json',
  'sonia.json',
  'policies/default.json',
  'operator.key',
  'CON',
  'con.txt',
  'aux',
  'NUL.log',
  'COM1',
  'lpt9.x',
  'COM¹',
  'CONIN$',
  'a.txt:stream',
  'ab::$DATA',
  'a\\b',
  'trailing.',
  '...',
  'trailing ',
  ' leading',
  '.sonia-00.tmp',
  '.vscode/tasks.json',
  '.claude/x',
]
for (const path of refusedNames) {
  test(`${JSON.stringify(path)} is a protected name`, () => {
    assert.throws(
      () => parsePath(root, path),
      (error) => reasonOf(error) === 'PROTECTED_NAME',
    )
  })
}

test('paths and names over their bounds are malformed', () => {
  for (const path of ['', 'a'.repeat(256), 'é'.repeat(128), 'a/'.repeat(2_049)]) {
    assert.throws(
      () => parsePath(root, path),
      (error) => error instanceof ServiceError && error.code === 'INVALID_ARGUMENT',
    )
  }
})

const accepted: readonly [string, string][] = [
  ['a.txt', 'a.txt'],
  ['./docs//a.txt', 'docs/a.txt'],
  ['docs/../a.txt', 'a.txt'],
  ['/srv/sandbox/docs/a.txt', 'docs/a.txt'],
  ['/srv/sandbox', ''],
  ['/sandbox/a.txt', 'a.txt'],
  ['S:\\docs\\a.txt', 'docs/a.txt'],
  ['S:/docs/a.txt', 'docs/a.txt'],
  ['.hidden', '.hidden'],
  ['.gitignore', '.gitignore'],
  ['100%.txt', '100%.txt'],
  ['Grüße/你好.md', 'Grüße/你好.md'],
]
for (const [path, expected] of accepted) {
  test(`${JSON.stringify(path)} names ${JSON.stringify(expected)}`, () => {
    assert.equal(parsePath(root, path).join('/'), expected)
  })
}

test('relative paths start at the working folder', () => {
  assert.deepEqual(parsePath(root, '../b.txt', ['docs']), ['b.txt'])
  assert.throws(
    () => parsePath(root, '../../b.txt', ['docs']),
    (error) => reasonOf(error) === 'OUTSIDE_SANDBOX',
  )
})

const pathText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '/',
        '\\',
        'a',
        'docs',
        '.git',
        '%2e',
        '~',
        '$',
        ':',
        'S:',
        'C:',
        '．',
        '／',
        ' ',
        '/srv/sandbox',
        '\0',
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 10 },
  )
  .map((parts) => parts.join(''))

test('whatever is accepted is a list of plain names: no path leaves the root', () => {
  fc.assert(
    fc.property(pathText, (path) => {
      const components = tryParse(path)
      if (components === null) return
      for (const name of components) {
        assert.ok(name !== '' && name !== '.' && name !== '..')
        assert.doesNotMatch(name, /[/\\\0:]/)
        assert.doesNotMatch(name.normalize('NFKC'), /[/\\:]|^\.\.$/)
      }
    }),
    { numRuns: 3_000 },
  )
})

function tryParse(path: string): readonly string[] | null {
  try {
    return parsePath(root, path)
  } catch (error) {
    assert.ok(error instanceof ServiceError, String(error))
    return null
  }
}

function reasonOf(error: unknown): unknown {
  return error instanceof ServiceError ? error.details?.['reason'] : undefined
}
