import { join } from 'node:path'
import { finding, type Finding } from '../evidence/findings.ts'
import type { Manifest } from '../evidence/manifest.ts'
import { criteriaDigest } from '../evidence/released.ts'
import { repositoryState } from '../evidence/repository.ts'
import { sha256OfFile } from '../evidence/sha256.ts'

/** Where a project keeps its criteria, below the repository. */
export const CRITERIA_FOLDER = 'gates/criteria'

/** The evidence must be about exactly what lies here: this commit, nothing besides, judged by its own criteria. */
export async function objectionsToTree(repository: string, manifest: Manifest): Promise<readonly Finding[]> {
  const { released } = manifest
  const state = await repositoryState(repository)
  const no = (sentence: string) => finding('NOT_RELEASE_EVIDENCE', sentence)
  const findings: Finding[] = []
  if (state.commit !== released.commit)
    findings.push(no(`the evidence is about ${released.commit}; checked out is ${state.commit}`))
  if (state.tree !== released.tree) findings.push(no('the tree of the commit is not the one that was judged'))
  if (state.dirty) findings.push(no('the working tree holds changes that the commit does not'))
  if (findings.length > 0) return findings
  if ((await criteriaDigest(join(repository, CRITERIA_FOLDER))) !== released.criteria_sha256)
    findings.push(no('it was judged by other criteria than those of the commit'))
  if ((await sha256OfFile(join(repository, 'package-lock.json'))) !== released.lock_file_sha256)
    findings.push(no('it was judged with other packages than those of the commit'))
  return findings
}
