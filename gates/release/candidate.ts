import { readdir } from 'node:fs/promises'
import { outputOf } from '../evidence/run-process.ts'

/** One release candidate under both of the seed's names. */
export interface Candidate {
  readonly number: number
  readonly version: string
}

const FOLDER = /^release-candidate-([1-9][0-9]*)$/u

export function candidateName(candidate: Candidate): string {
  return `release-candidate-${candidate.number}`
}

export function tagNames(candidate: Candidate): readonly [string, string] {
  return [candidateName(candidate), `release-v${candidate.version}-rc${candidate.number}`]
}

/** The first number that neither a tag nor a sealed folder has. */
export async function nextNumber(repository: string, artifactsFolder: string): Promise<number> {
  const tags = await outputOf('git', ['tag', '--list', 'release-candidate-*'], { cwd: repository })
  const folders = await readdir(artifactsFolder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return []
  })
  const taken = [...tags.split('\n'), ...folders].map((name) => Number(FOLDER.exec(name)?.[1] ?? 0))
  return Math.max(0, ...taken) + 1
}
