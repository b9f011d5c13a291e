import assert from 'node:assert/strict'
import { appendFile, chmod, mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { repositoryState } from './repository.ts'
import { outputOf } from './run-process.ts'
import { scratchFolder } from './testing.ts'

let folder: string
const git = (...args: string[]) => outputOf('git', args, { cwd: folder })

beforeEach(async () => {
  folder = await scratchFolder()
  await git('init', '-q', '-b', 'main')
  await git('config', 'user.name', 'author')
  await git('config', 'user.email', 'author@team.example')
  await writeFile(join(folder, 'code.ts'), 'passes(1)\n')
  await writeFile(join(folder, '.gitignore'), 'var/\n')
  await git('add', '.')
  await git('commit', '-q', '--no-gpg-sign', '-m', 'First')
})

afterEach(() => rm(folder, { recursive: true, force: true }))

const isDirty = async () => (await repositoryState(folder)).dirty

test('a change that the clone was told to look away from is a change', async () => {
  for (const flag of ['assume-unchanged', 'skip-worktree']) {
    await git('update-index', `--${flag}`, 'code.ts')
    await writeFile(join(folder, 'code.ts'), 'passes(2)\n')
    assert.equal(await git('status', '--porcelain'), '', flag)
    assert.equal(await isDirty(), true, flag)
    await writeFile(join(folder, 'code.ts'), 'passes(1)\n')
    await git('update-index', `--no-${flag}`, 'code.ts')
  }
})

test('a file that only this clone ignores is one that the commit does not hold', async () => {
  await appendFile(join(folder, '.git', 'info', 'exclude'), 'more.ts\n')
  await writeFile(join(folder, 'more.ts'), 'passes(3)\n')
  assert.equal(await git('status', '--porcelain'), '')
  assert.equal(await isDirty(), true)
})

test('a monitor of the clone that says nothing changed is not asked', async () => {
  const monitor = join(folder, '.git', 'monitor')
  await writeFile(monitor, '#!/bin/sh\nprintf "token\\0"\n')
  await chmod(monitor, 0o755)
  await git('config', 'core.fsmonitor', monitor)
  await git('status')
  await writeFile(join(folder, 'code.ts'), 'passes(22)\n')
  assert.equal(await git('status', '--porcelain'), '')
  assert.equal(await isDirty(), true)
})

test('a change of the same length at the same time is a change', async () => {
  await git('config', 'core.trustctime', 'false')
  await git('config', 'core.checkStat', 'minimal')
  const file = join(folder, 'code.ts')
  const old = new Date(Date.now() - 3_600_000)
  await utimes(file, old, old)
  await git('update-index', '--refresh')
  const second = async () => Math.floor((await stat(file)).ctimeMs / 1000)
  const before = await second()
  // Git compares whole seconds of the one time that a file's owner cannot set.
  do {
    await writeFile(file, 'passes(2)\n')
    await utimes(file, old, old)
  } while ((await second()) === before)
  assert.equal((await stat(file)).mtimeMs, old.getTime())
  assert.equal(await git('status', '--porcelain'), '')
  assert.equal(await isDirty(), true)
})

test('a commit replaced in this clone does not change who wrote it', async () => {
  const head = (await git('rev-parse', 'HEAD')).trim()
  const tree = (await git('rev-parse', 'HEAD^{tree}')).trim()
  const forged = await git('-c', 'user.email=nobody@team.example', 'commit-tree', '-m', 'First', tree)
  await git('replace', head, forged.trim())
  assert.equal((await git('log', '-1', '--format=%ae')).trim(), 'nobody@team.example')
  const state = await repositoryState(folder)
  assert.deepEqual([state.commit, state.authorEmails], [head, ['author@team.example']])
})

test("what the project's own list of ignored files names is no change", async () => {
  await mkdir(join(folder, 'var'))
  await writeFile(join(folder, 'var', 'state'), 'x')
  assert.equal(await isDirty(), false)
})
