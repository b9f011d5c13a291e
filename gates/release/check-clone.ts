import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { finding, type Finding } from '../evidence/findings.ts'
import { runProcess } from '../evidence/run-process.ts'
import { readTag, type TagClaim } from './release-tag.ts'

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
  if (repository === null || !(await isClone(repository))) return []
  if (!(await hasCommit(repository, claim.commit))) return []
  const found = await readTag(repository, claim.name).catch(() => null)
  if (found === null)
    return [finding('TAG_MISSING', `the clone has the commit, and no signed tag ${claim.name}`)]
  if (found === raw) return []
  return [finding('TAG_CHANGED', `the tag ${claim.name} of the clone is not the one that was sealed`)]
}

async function isClone(repository: string): Promise<boolean> {
  return (await lstat(join(repository, '.git')).catch(() => null)) !== null
}

/** `git cat-file -e` answers 1 for an object it does not have; anything else above 0 is no answer. */
async function hasCommit(repository: string, commit: string): Promise<boolean> {
  const { exitCode, stderr } = await runProcess('git', ['cat-file', '-e', commit], { cwd: repository })
  if (exitCode > 1 || exitCode < 0) throw new CloneNotAsked(stderr)
  return exitCode === 0
}
