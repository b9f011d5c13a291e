import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ReadManifest } from '../evidence/check-files.ts'
import { newMachineKey } from '../evidence/machine-key.ts'
import type { Released } from '../evidence/manifest.ts'
import { describeReleased } from '../evidence/released.ts'
import { repositoryState } from '../evidence/repository.ts'
import { outputOf } from '../evidence/run-process.ts'
import { scratchFolder } from '../evidence/testing.ts'
import { checkCommit } from './check-clone.ts'
import { makeRehearsalRepository } from './rehearsal-repository.ts'
import { readTag } from './release-tag.ts'
import { manifest } from './signed-topics.ts'

let scratch: string
let clone: string
let released: Released

before(async () => {
  scratch = await scratchFolder()
  const repository = await makeRehearsalRepository(scratch, newMachineKey(), Date.now())
  clone = repository.path
  released = await describeReleased({
    repository: clone,
    state: await repositoryState(clone),
    configurationFile: join(clone, 'config', 'sonia.json'),
    policiesFolder: join(clone, 'config', 'policies'),
    criteriaFolder: repository.criteria,
    sbom: null,
    imageDigest: null,
  })
})

after(() => rm(scratch, { recursive: true, force: true }))

const said = async (changes: Partial<Released>): Promise<readonly string[]> => {
  const read: ReadManifest = manifest({ released: { ...released, ...changes } })
  return (await checkCommit(read, clone)).map(({ code, sentence }) => `${code} ${sentence.slice(0, 24)}`)
}

const OTHER = 'e'.repeat(64)

test('refuses a manifest that says of the commit what the clone knows to be otherwise', async () => {
  assert.deepEqual(await said({ tree: 'e'.repeat(40) }), ['RELEASED_CHANGED the tree that the manife'])
  assert.deepEqual(await said({ author_emails: ['nobody@team.example'] }), [
    'RELEASED_CHANGED the authors that the man',
  ])
  assert.deepEqual(await said({ criteria_sha256: OTHER }), ['RELEASED_CHANGED the criteria that the ru'])
  assert.deepEqual(await said({ lock_file_sha256: OTHER }), ['RELEASED_CHANGED the packages that the ru'])
})

test('asks the clone for the commit as it is stored, and not for a replacement of it', async () => {
  const git = (...args: string[]) => outputOf('git', args, { cwd: clone })
  const identity = ['-c', 'user.name=nobody', '-c', 'user.email=nobody@team.example']
  const forged = await git(...identity, 'commit-tree', '-m', 'forged', released.tree)
  await git('replace', released.commit, forged.trim())
  try {
    assert.equal((await said({ author_emails: ['nobody@team.example'] })).length, 1)
    assert.deepEqual(await said({}), [])
  } finally {
    await git('replace', '-d', released.commit)
  }
})

test('reads the tag that the clone has, and not a replacement of it', async () => {
  const git = (...args: string[]) =>
    outputOf('git', ['-c', 'user.name=x', '-c', 'user.email=x@team.example', ...args], { cwd: clone })
  await git('tag', '--no-sign', '-a', '-m', 'sealed', 'sealed', 'HEAD')
  await git('tag', '--no-sign', '-a', '-m', 'moved', 'moved', 'HEAD')
  await git('replace', '-f', 'refs/tags/moved', 'refs/tags/sealed')
  assert.match(await git('cat-file', 'tag', 'refs/tags/moved'), /^tag sealed$/mu)
  assert.match(await readTag(clone, 'moved'), /^tag moved$/mu)
})

test('nothing is said of a tree with changes but who wrote the commit, nor of a commit that the clone lacks', async () => {
  assert.deepEqual(await said({ dirty: true, criteria_sha256: OTHER, lock_file_sha256: OTHER }), [])
  assert.deepEqual(await said({ commit: 'e'.repeat(40), tree: 'e'.repeat(40) }), [])
})

test('accepts what the clone knows', async () => assert.deepEqual(await said({}), []))
