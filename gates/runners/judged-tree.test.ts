import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { outputOf } from '../evidence/run-process.ts'
import { openJudgedTree } from './judged-tree.ts'

interface Repository {
  readonly folder: string
  readonly git: (...args: string[]) => Promise<string>
}

async function repositoryOf(t: TestContext): Promise<Repository> {
  const folder = await mkdtemp(join(tmpdir(), 'sonia-tree-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const who = ['-c', 'user.name=x', '-c', 'user.email=x@example.org', '-c', 'commit.gpgsign=false']
  const git = (...args: string[]) => outputOf('git', [...who, ...args], { cwd: folder })
  await git('init', '-q')
  await git('commit', '-q', '--allow-empty', '-m', 'first')
  return { folder, git }
}

async function open(folder: string) {
  const shown: number[] = []
  const ops = { setGauge: (_name: string, _labels: object, value: number) => void shown.push(value) }
  return { tree: await openJudgedTree(ops, folder), shown }
}

test('a commit made during the run leaves the first one named, and no clean build', async (t) => {
  const { folder, git } = await repositoryOf(t)
  const { tree, shown } = await open(folder)
  const first = (await git('rev-parse', 'HEAD')).trim()
  await git('commit', '-q', '--allow-empty', '-m', 'second')
  const { commit, dirty } = await tree.described()
  assert.deepEqual({ commit, dirty }, { commit: first, dirty: true })
  assert.deepEqual(shown, [0, 1])
})

test('a change that was undone before the end was still there', async (t) => {
  const { folder } = await repositoryOf(t)
  const { tree } = await open(folder)
  await writeFile(join(folder, 'changed'), 'x')
  await tree.look()
  await rm(join(folder, 'changed'))
  assert.equal((await tree.described()).dirty, true)
})

test('a tree that stayed as it was is clean', async (t) => {
  const { folder } = await repositoryOf(t)
  const { tree, shown } = await open(folder)
  assert.equal((await tree.described()).dirty, false)
  assert.deepEqual(shown, [0, 0])
})

test('where git says nothing there is no figure of the tree, so nothing calls it clean', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sonia-tree-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const { tree, shown } = await open(folder)
  assert.deepEqual(shown, [])
  await assert.rejects(tree.described())
})
