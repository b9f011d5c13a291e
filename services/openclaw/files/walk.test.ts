import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ServiceError } from '#chassis/errors.ts'
import { FILE_BYTES_MAX, readSandboxFile } from './read-file.ts'
import { type SandboxRoot, closeRoot, openRoot } from './walk.ts'
import { writeSandboxFile } from './write-file.ts'

const home = mkdtempSync(join(tmpdir(), 'sonia-walk-'))
const sandbox = join(home, 'sandbox')
let root: SandboxRoot
let nextId = 0
const writer = () => ({ root, makeId: () => `${nextId++}`, owner: null })

before(() => {
  mkdirSync(join(sandbox, 'docs', 'deep'), { recursive: true })
  writeFileSync(join(sandbox, 'docs', 'a.txt'), 'alpha')
  writeFileSync(join(sandbox, 'binary'), Buffer.from([0xff, 0xfe, 0x00]))
  writeFileSync(join(home, 'secret'), 'secret')
  mkdirSync(join(home, 'elsewhere'))
  writeFileSync(join(home, 'elsewhere', 'a.txt'), 'secret')
  symlinkSync(join(home, 'secret'), join(sandbox, 'link'))
  symlinkSync('link', join(sandbox, 'chain'))
  symlinkSync('docs/a.txt', join(sandbox, 'inner-link'))
  symlinkSync(join(home, 'elsewhere'), join(sandbox, 'folder-link'))
  symlinkSync('/proc/self/environ', join(sandbox, 'magic'))
  linkSync(join(home, 'secret'), join(sandbox, 'hard'))
  execFileSync('mkfifo', [join(sandbox, 'fifo')])
  writeFileSync(join(sandbox, 'large'), '')
  truncateSync(join(sandbox, 'large'), FILE_BYTES_MAX + 1)
  root = openRoot(sandbox)
})
after(() => {
  closeRoot(root)
  rmSync(home, { recursive: true })
})

const refusedReads: readonly [string, string][] = [
  ['link', 'LINK_REFUSED'],
  ['chain', 'LINK_REFUSED'],
  ['inner-link', 'LINK_REFUSED'],
  ['folder-link/a.txt', 'LINK_REFUSED'],
  ['magic', 'LINK_REFUSED'],
  ['hard', 'LINK_REFUSED'],
  ['fifo', 'SPECIAL_FILE'],
  ['docs', 'SPECIAL_FILE'],
  ['missing', 'NOT_FOUND'],
  ['docs/a.txt/x', 'NOT_FOUND'],
  ['missing/x', 'NOT_FOUND'],
  ['large', 'TOO_LARGE'],
]
for (const [path, expected] of refusedReads) {
  test(`reading ${path} ends with ${expected}`, () => {
    assert.throws(
      () => readSandboxFile(root, path),
      (error) => outcomeOf(error) === expected,
    )
  })
}

test('a socket is refused without being connected to', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(sandbox, 'socket'), resolve))
  assert.throws(
    () => readSandboxFile(root, 'socket'),
    (error) => outcomeOf(error) === 'SPECIAL_FILE',
  )
  await new Promise((resolve) => server.close(resolve))
})

test('a device is refused', (context) => {
  try {
    execFileSync('mknod', [join(sandbox, 'device'), 'c', '1', '3'], { stdio: 'ignore' })
  } catch {
    context.diagnostic('only root can make a device')
    writeFileSync(join(sandbox, 'device'), '')
    linkSync(join(sandbox, 'device'), join(sandbox, 'device-2'))
  }
  assert.throws(
    () => readSandboxFile(root, 'device'),
    (error) => /SPECIAL_FILE|LINK_REFUSED/.test(String(outcomeOf(error))),
  )
})

test('regular files are read, text as text and the rest as base64', () => {
  assert.deepEqual(readSandboxFile(root, 'docs/a.txt'), { content: 'alpha', encoding: 'utf-8', sizeBytes: 5 })
  assert.deepEqual(readSandboxFile(root, 'binary'), { content: '//4A', encoding: 'base64', sizeBytes: 3 })
})

test('writing through links or onto what is no plain file is refused, and nothing outside changes', async () => {
  const cases: readonly [string, string][] = [
    ['link', 'LINK_REFUSED'],
    ['folder-link/a.txt', 'LINK_REFUSED'],
    ['folder-link/new.txt', 'LINK_REFUSED'],
    ['hard', 'LINK_REFUSED'],
    ['fifo', 'SPECIAL_FILE'],
    ['docs', 'SPECIAL_FILE'],
    ['.', 'SPECIAL_FILE'],
    ['docs/a.txt/x', 'NOT_FOUND'],
  ]
  for (const [path, expected] of cases) {
    await assert.rejects(
      writeSandboxFile(writer(), path, 'evil'),
      (error) => outcomeOf(error) === expected,
      path,
    )
  }
  assert.equal(readFileSync(join(home, 'secret'), 'utf8'), 'secret')
  assert.deepEqual(readdirSync(join(home, 'elsewhere')), ['a.txt'])
})

test('a write is whole, keeps the mode of what it replaces and leaves no temporary file', async () => {
  const first = await writeSandboxFile(writer(), 'made/deep/w.txt', 'one')
  assert.deepEqual(first, { sizeBytes: 3, created: true, foldersCreated: 2 })
  execFileSync('chmod', ['640', join(sandbox, 'made/deep/w.txt')])
  const second = await writeSandboxFile(writer(), 'made/deep/w.txt', 'two!')
  assert.deepEqual(second, { sizeBytes: 4, created: false, foldersCreated: 0 })
  assert.equal(readFileSync(join(sandbox, 'made/deep/w.txt'), 'utf8'), 'two!')
  assert.equal(statSync(join(sandbox, 'made/deep/w.txt')).mode & 0o777, 0o640)
  assert.deepEqual(readdirSync(join(sandbox, 'made/deep')), ['w.txt'])
})

test('content over the limit is refused before anything is written', async () => {
  const content = 'x'.repeat(FILE_BYTES_MAX + 1)
  await assert.rejects(
    writeSandboxFile(writer(), 'huge', content),
    (error) => outcomeOf(error) === 'TOO_LARGE',
  )
  assert.equal(existsSync(join(sandbox, 'huge')), false)
})

test('a file that grows while it is read is served in one piece or refused, never past the limit', () => {
  const path = join(sandbox, 'growing')
  writeFileSync(path, 'x'.repeat(1000))
  appendFileSync(path, 'y')
  assert.equal(readSandboxFile(root, 'growing').sizeBytes, 1001)
})

test('when the root itself is replaced, the folder that was opened is still the one served', () => {
  const moved = join(home, 'moved')
  renameSync(sandbox, moved)
  symlinkSync('/etc', sandbox)
  try {
    assert.equal(readSandboxFile(root, 'docs/a.txt').content, 'alpha')
    assert.throws(
      () => readSandboxFile(root, 'passwd'),
      (error) => outcomeOf(error) === 'NOT_FOUND',
    )
  } finally {
    rmSync(sandbox)
    renameSync(moved, sandbox)
  }
})

test('no descriptor stays open, whatever the outcome', async () => {
  const count = () => readdirSync('/proc/self/fd').length
  const before = count()
  for (const [path] of refusedReads) assert.throws(() => readSandboxFile(root, path))
  readSandboxFile(root, 'docs/a.txt')
  await writeSandboxFile(writer(), 'docs/deep/b.txt', 'b')
  await assert.rejects(writeSandboxFile(writer(), 'link', 'b'))
  assert.equal(count(), before)
})

function outcomeOf(error: unknown): unknown {
  return error instanceof ServiceError ? (error.details?.['reason'] ?? error.code) : error
}
