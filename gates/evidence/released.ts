import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { folderDigest } from './folder-digest.ts'
import type { Released } from './manifest.ts'
import type { RepositoryState } from './repository.ts'
import { sha256, sha256OfFile } from './sha256.ts'

export interface ReleasedSources {
  readonly repository: string
  readonly state: RepositoryState
  /** The one configuration file that the stack ran with. */
  readonly configurationFile: string
  readonly policiesFolder: string
  readonly criteriaFolder: string
  /** CycloneDX text, or null where none was made. */
  readonly sbom: string | null
  readonly imageDigest: string | null
}

/** What exactly was judged, by digest. A missing configuration file counts as empty: defaults of the schemas. */
export async function describeReleased(sources: ReleasedSources): Promise<Released> {
  const { state } = sources
  return {
    version: await versionOf(sources.repository),
    commit: state.commit,
    tree: state.tree,
    dirty: state.dirty,
    author_emails: [...state.authorEmails],
    lock_file_sha256: await sha256OfFile(join(sources.repository, 'package-lock.json')),
    sbom_sha256: sources.sbom === null ? null : sha256(sources.sbom),
    image_digest: sources.imageDigest,
    configuration_sha256: sha256(await readFile(sources.configurationFile).catch(emptyIfMissing)),
    policies_sha256: await folderDigest(sources.policiesFolder).catch(digestOfNothing),
    criteria_sha256: await criteriaDigest(sources.criteriaFolder),
  }
}

/** Digest of the criteria files alone: tests beside them judge nothing. */
export function criteriaDigest(folder: string): Promise<string> {
  return folderDigest(folder, isCriteriaFile)
}

export function isCriteriaFile(path: string): boolean {
  return /^[a-z0-9-]+\.yaml$/u.test(path)
}

async function versionOf(repository: string): Promise<string> {
  const value: unknown = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'))
  if (typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'string')
    return value.version
  throw new Error('package.json names no version')
}

function emptyIfMissing(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') throw error
  return ''
}

function digestOfNothing(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') throw error
  return sha256('')
}
