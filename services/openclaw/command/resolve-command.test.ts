import assert from 'node:assert/strict'
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ServiceError } from '#chassis/errors.ts'
import { programShelf } from '../containment/program-identity.ts'
import { closeRoot, openRoot } from '../files/walk.ts'
import { PROGRAM_RULES } from './programs.ts'
import { resolveCommand } from './resolve-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonia-command-'))
mkdirSync(join(folder, 'docs'))
writeFileSync(join(folder, 'docs', 'a.txt'), 'alpha')
writeFileSync(join(folder, 'docs', '-n'), 'dash')
symlinkSync('/etc/passwd', join(folder, 'link'))
symlinkSync('docs', join(folder, 'folder-link'))
writeFileSync(join(folder, 'docs', 'named-twice'), '')
linkSync(join(folder, 'docs', 'named-twice'), join(folder, 'hard'))
execFileSync('mkfifo', [join(folder, 'fifo')])
const root = openRoot(folder)
const shelf = programShelf({ path: '/usr/bin', owners: [0] })
after(() => {
  closeRoot(root)
  rmSync(folder, { recursive: true })
})

function resolve(command: string, cwd: string | null = null) {
  const resolved = resolveCommand({ root, shelf }, command, cwd)
  closeSync(resolved.program.fd)
  return resolved
}

const refused: readonly [string, string][] = [
  ['malware.exe', 'PROGRAM_NOT_ALLOWED'],
  ['cd /tmp', 'PROGRAM_NOT_ALLOWED'],
  ['./cat a', 'PROGRAM_NOT_ALLOWED'],
  ['/tmp/cat a', 'PROGRAM_NOT_ALLOWED'],
  ['/usr/local/bin/cat a', 'PROGRAM_NOT_ALLOWED'],
  ['/usr/bin/../bin/cat a', 'PROGRAM_NOT_ALLOWED'],
  ['сat docs/a.txt', 'PROGRAM_NOT_ALLOWED'],
  ['CAT docs/a.txt', 'PROGRAM_NOT_ALLOWED'],
  ['env ls', 'PROGRAM_NOT_ALLOWED'],
  ['busybox ls', 'PROGRAM_NOT_ALLOWED'],
  ['sh -lc id', 'PROGRAM_NOT_ALLOWED'],
  ["awk 'BEGIN'", 'PROGRAM_NOT_ALLOWED'],
  ['constructor', 'PROGRAM_NOT_ALLOWED'],
  ['sort --compress-program=sh docs/a.txt', 'ARGUMENT_NOT_ALLOWED'],
  ['sort --compress-prog sh docs/a.txt', 'ARGUMENT_NOT_ALLOWED'],
  ["grep -r '' .", 'ARGUMENT_NOT_ALLOWED'],
  ["grep -nr '' docs", 'ARGUMENT_NOT_ALLOWED'],
  ["grep --recursive '' .", 'ARGUMENT_NOT_ALLOWED'],
  ["grep -d recurse '' .", 'ARGUMENT_NOT_ALLOWED'],
  ['diff -r . docs', 'ARGUMENT_NOT_ALLOWED'],
  ['diff . docs', 'ARGUMENT_NOT_ALLOWED'],
  ['diff docs/a.txt docs', 'ARGUMENT_NOT_ALLOWED'],
  ['find . -exec id', 'ARGUMENT_NOT_ALLOWED'],
  ['find . -fprintf x y', 'ARGUMENT_NOT_ALLOWED'],
  ['git -c core.pager=id log', 'ARGUMENT_NOT_ALLOWED'],
  ['git clone --upload-pack=id x', 'ARGUMENT_NOT_ALLOWED'],
  ['tar -tf docs/a.txt --to-command=id', 'ARGUMENT_NOT_ALLOWED'],
  ["tar I 'sh -c id' -t -f docs/a.txt", 'ARGUMENT_NOT_ALLOWED'],
  ['tar vF id -t -f docs/a.txt', 'ARGUMENT_NOT_ALLOWED'],
  ['tar I id -x -f docs/a.txt', 'ARGUMENT_NOT_ALLOWED'],
  ['tar -xf docs/a.txt --checkpoint-action=exec=id', 'ARGUMENT_NOT_ALLOWED'],
  ['jq \'import "sonia" as $x {search: "./"}; $x\' docs/a.txt', 'ARGUMENT_NOT_ALLOWED'],
  ['jq \'include "x" {search: "./"}; y\' docs/a.txt', 'ARGUMENT_NOT_ALLOWED'],
  ['jq \'"sonia" | modulemeta\' docs/a.txt', 'ARGUMENT_NOT_ALLOWED'],
  ['jq \'module {}; import "sonia" as $x; $x\' docs/a.txt', 'ARGUMENT_NOT_ALLOWED'],
  ['gzip -d docs/a', 'ARGUMENT_NOT_ALLOWED'],
  ['gzip -kd docs/a.gz docs/b', 'ARGUMENT_NOT_ALLOWED'],
  ['uniq docs/a.txt docs/b.txt', 'ARGUMENT_NOT_ALLOWED'],
  ['cat docs/a.txt --help', 'ARGUMENT_NOT_ALLOWED'],
  ['cat -', 'ARGUMENT_NOT_ALLOWED'],
  ['cat', 'ARGUMENT_NOT_ALLOWED'],
  ['head -n 1e9 docs/a.txt', 'ARGUMENT_NOT_ALLOWED'],
  ['date -s tomorrow', 'ARGUMENT_NOT_ALLOWED'],
  ['chmod u+s docs/a.txt', 'ARGUMENT_NOT_ALLOWED'],
  ['chmod 4755 docs/a.txt', 'ARGUMENT_NOT_ALLOWED'],
  ['ls constructor --hasOwnProperty', 'ARGUMENT_NOT_ALLOWED'],
  ['cat /etc/passwd', 'OUTSIDE_SANDBOX'],
  ['cat ../x', 'OUTSIDE_SANDBOX'],
  ['cat docs/../docs/a.txt', 'OUTSIDE_SANDBOX'],
  ['sort -k1 /etc/passwd', 'OUTSIDE_SANDBOX'],
  ['cat link', 'LINK_REFUSED'],
  ['cat folder-link/a.txt', 'LINK_REFUSED'],
  ['cat hard', 'LINK_REFUSED'],
  ['cat fifo', 'SPECIAL_FILE'],
  ['cat .git/config', 'PROTECTED_NAME'],
]
for (const [command, reason] of refused) {
  test(`${command} is refused with ${reason}`, () => {
    assert.throws(
      () => resolve(command),
      (error) => reasonOf(error) === reason,
    )
  })
}

test('a working folder outside the sandbox, or reached through a link, is refused', () => {
  assert.throws(
    () => resolve('ls', '/tmp'),
    (error) => reasonOf(error) === 'OUTSIDE_SANDBOX',
  )
  assert.throws(
    () => resolve('ls', 'folder-link'),
    (error) => reasonOf(error) === 'LINK_REFUSED',
  )
})

test('words after -- are operands, also when they look like options', () => {
  const { argv } = resolve('cat -- -n', 'docs')
  assert.deepEqual(argv, ['/usr/bin/cat', '--', '-n'])
})

test('clusters, attached and separate values are the same options', () => {
  for (const command of ['head -qn5 docs/a.txt', 'head -q -n 5 docs/a.txt', 'head -q --lines=5 docs/a.txt']) {
    assert.equal(resolve(command).isCompute, true)
  }
})

test('paths that begin at a spelling of the root are those of the mounted sandbox', () => {
  for (const path of [`${folder}/docs/a.txt`, 'S:/docs/a.txt', "'S:\\docs\\a.txt'", '/sandbox/docs/a.txt']) {
    assert.deepEqual(resolve(`cat ${path}`).argv, ['/usr/bin/cat', '/sandbox/docs/a.txt'])
  }
})

test('a destructive call names the files it touches with their digests, and is not compute', () => {
  const { isCompute, operands, deferred } = resolve('rm docs/a.txt missing')
  assert.equal(isCompute, false)
  assert.equal(deferred, null)
  assert.deepEqual(
    operands.map(({ path, sha256 }) => [path, sha256?.slice(0, 8) ?? null]),
    [
      ['docs/a.txt', '8ed3f6ad'],
      ['missing', null],
    ],
  )
})

test('what is unpacked is judged by the name it will have, and is an operand', () => {
  for (const name of ['.git', 'policies', 'docs/.bashrc', 'sonia.json']) {
    assert.equal(reasonOf(resolve(`gzip -d ${name}.gz`).deferred), 'PROTECTED_NAME', name)
  }
  const { argv, operands, deferred } = resolve('gzip -d /sandbox/docs/a.txt.gz')
  assert.deepEqual([argv, deferred], [['/usr/bin/gzip', '-d', '/sandbox/docs/a.txt.gz'], null])
  assert.deepEqual(
    operands.map(({ path, sha256 }) => [path, sha256 !== null]),
    [
      ['docs/a.txt.gz', false],
      ['docs/a.txt', true],
    ],
  )
  assert.equal(resolve('gzip -k docs/a.txt').operands.length, 1)
})

test('fields of jq named like its directives are fields', () => {
  assert.equal(resolve("jq '.import, .include' docs/a.txt").isCompute, true)
})

test('the files of one call that are digested are bounded together, not only each', () => {
  const names = Array.from({ length: 5 }, (_, at) => `large-${at}`)
  for (const name of names) {
    writeFileSync(join(folder, name), '')
    truncateSync(join(folder, name), 32 * 1024 * 1024)
  }
  assert.equal(resolve(`rm ${names.slice(0, 3).join(' ')}`).deferred, null)
  assert.equal(resolve(`rm ${names.join(' ')}`).deferred?.code, 'TOO_LARGE')
})

test('a destructive call on a path outside is for policy to answer, and refused all the same afterwards', () => {
  const { deferred } = resolve('rm /important/file')
  assert.equal(reasonOf(deferred), 'OUTSIDE_SANDBOX')
})

test('no rule lets a program read its words, configuration or another program from an argument', () => {
  const starters = /exec|command|program|filter|checkpoint|pager|config|upload|receive|files0|rcfile/
  for (const rule of PROGRAM_RULES) {
    for (const option of Object.keys({ ...rule.compute?.options, ...rule.destructive?.options })) {
      assert.doesNotMatch(option, starters, `${rule.name} ${option}`)
    }
  }
})

function reasonOf(error: unknown): unknown {
  return error instanceof ServiceError ? error.details?.['reason'] : undefined
}
