import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { comparePaths } from '../evidence/file-tree.ts'
import { finding, type Finding } from '../evidence/findings.ts'
import { MANIFEST_FILE } from '../evidence/manifest.ts'
import type { ReadManifest } from '../evidence/check-files.ts'
import { digestOfListed } from '../evidence/folder-digest.ts'
import { isCriteriaFile } from '../evidence/released.ts'
import { askGit, tellGit } from '../evidence/repository.ts'
import { sha256 } from '../evidence/sha256.ts'
import { readTag, type TagClaim } from './release-tag.ts'
import { CRITERIA_FOLDER } from './released-tree.ts'

/** A clone that git will not read for us: what its tags say is not known, which is not "nothing". */
export class CloneNotAsked extends Error {
  constructor(said: string) {
    super(`git could not be asked about the tags of this clone: ${said.trim()}`)
    this.name = 'CloneNotAsked'
  }
}

/**
 * A clone that has the commit must have the same tag; one that never heard of it can say nothing.
 * @throws CloneNotAsked where there is a clone and git does not read it.
 */
export async function checkClone(
  raw: string,
  claim: TagClaim,
  repository: string | null,
): Promise<readonly Finding[]> {
  if (repository === null || !(await knows(repository, claim.commit))) return []
  const found = await readTag(repository, claim.name).catch(() => null)
  if (found === null)
    return [finding('TAG_MISSING', `the clone has the commit, and no signed tag ${claim.name}`)]
  if (found === raw) return []
  return [finding('TAG_CHANGED', `the tag ${claim.name} of the clone is not the one that was sealed`)]
}

/**
 * What the manifest says of the commit, where a clone has it: its tree, who wrote it, and what it was judged by. The
 * machine that wrote the manifest is not believed.
 * @throws CloneNotAsked where there is a clone and git does not read it.
 */
export async function checkCommit(
  { manifest: { released } }: ReadManifest,
  repository: string | null,
): Promise<readonly Finding[]> {
  const { commit, dirty } = released
  if (repository === null || !(await knows(repository, commit))) return []
  const no = (what: string) =>
    finding('RELEASED_CHANGED', `${what} not what this clone has for ${commit}`, MANIFEST_FILE)
  const [tree, ...authors] = await linesOf(repository, ['--format=%T%n%ae%n%ce', commit])
  const findings: Finding[] = []
  if (tree !== released.tree) findings.push(no('the tree that the manifest names is'))
  if (!authors.every((email) => released.author_emails.includes(email)))
    findings.push(no('the authors that the manifest names are'))
  // A tree with changes says itself that the commit does not hold what was judged.
  if (dirty) return findings
  if ((await criteriaOf(repository, commit)) !== released.criteria_sha256)
    findings.push(no('the criteria that the run was judged by are'))
  if (sha256(await fileOf(repository, commit, 'package-lock.json')) !== released.lock_file_sha256)
    findings.push(no('the packages that the run was judged with are'))
  return findings
}

async function linesOf(repository: string, args: readonly string[]): Promise<readonly string[]> {
  const shown = await tellGit(repository, ['log', '-1', '--no-show-signature', ...args])
  return shown.trimEnd().split('\n')
}

async function criteriaOf(repository: string, commit: string): Promise<string> {
  const place = `${commit}:${CRITERIA_FOLDER}`
  const { exitCode, stdout } = await askGit(repository, ['ls-tree', '--name-only', '-z', place])
  const names = exitCode === 0 ? stdout.toString('utf8').split('\0').filter(isCriteriaFile) : []
  const listed = []
  for (const path of names.toSorted(comparePaths))
    listed.push({ path, sha256: sha256(await fileOf(repository, commit, `${CRITERIA_FOLDER}/${path}`)) })
  return digestOfListed(listed)
}

async function fileOf(repository: string, commit: string, path: string): Promise<Buffer> {
  const { exitCode, stdout } = await askGit(repository, ['cat-file', 'blob', `${commit}:${path}`])
  return exitCode === 0 ? stdout : Buffer.alloc(0)
}

async function knows(repository: string, commit: string): Promise<boolean> {
  return (await isClone(repository)) && hasCommit(repository, commit)
}

async function isClone(repository: string): Promise<boolean> {
  return (await lstat(join(repository, '.git')).catch(() => null)) !== null
}

/** `git cat-file -e` answers 1 for an object it does not have; anything else above 0 is no answer. */
async function hasCommit(repository: string, commit: string): Promise<boolean> {
  const { exitCode, stderr } = await askGit(repository, ['cat-file', '-e', commit])
  if (exitCode > 1 || exitCode < 0) throw new CloneNotAsked(stderr)
  return exitCode === 0
}
