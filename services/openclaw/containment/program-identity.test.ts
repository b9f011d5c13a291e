import assert from 'node:assert/strict'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ServiceError } from '#chassis/errors.ts'
import { programShelf } from './program-identity.ts'

const home = mkdtempSync(join(tmpdir(), 'sonia-programs-'))
after(() => rmSync(home, { recursive: true }))
const me = process.getuid?.() ?? 0
const owners = [0, me]

function shelfWith(name: string, mode = 0o755) {
  const path = mkdtempSync(join(home, 'bin-'))
  writeFileSync(join(path, name), '#!/bin/sh\n', { mode })
  chmodSync(join(path, name), mode)
  return { path, shelf: programShelf({ path, owners }) }
}

const isRefused = (error: unknown) =>
  error instanceof ServiceError && error.details?.['reason'] === 'PROGRAM_NOT_ALLOWED'

test('a program that others can write is refused', () => {
  const { shelf } = shelfWith('tool', 0o775)
  assert.throws(() => shelf.open('tool'), isRefused)
})

test('a program in a folder that others can write is refused', () => {
  const { path, shelf } = shelfWith('tool')
  chmodSync(path, 0o777)
  assert.throws(() => shelf.open('tool'), isRefused)
})

test('a program that is a link, a folder, not executable or not there is refused', () => {
  const { path, shelf } = shelfWith('tool')
  symlinkSync('tool', join(path, 'link'))
  mkdirSync(join(path, 'folder'))
  writeFileSync(join(path, 'plain'), '', { mode: 0o644 })
  for (const name of ['link', 'folder', 'plain', 'missing'])
    assert.throws(() => shelf.open(name), isRefused, name)
})

test('a program of an owner who is not trusted is refused', () => {
  const { path } = shelfWith('tool')
  const shelf = programShelf({ path, owners: [me + 1] })
  assert.throws(() => shelf.open('tool'), isRefused)
})

test('a program that was replaced has another identity, and one that stayed the same one', () => {
  const { path, shelf } = shelfWith('tool')
  const first = shelf.open('tool')
  const again = shelf.open('tool')
  writeFileSync(join(path, 'new'), '#!/bin/sh\nevil\n', { mode: 0o755 })
  renameSync(join(path, 'new'), join(path, 'tool'))
  const replaced = shelf.open('tool')
  for (const { fd } of [first, again, replaced]) closeSync(fd)
  assert.deepEqual(again.identity, first.identity)
  assert.notEqual(replaced.identity.sha256, first.identity.sha256)
  assert.notEqual(replaced.identity.inode, first.identity.inode)
})
