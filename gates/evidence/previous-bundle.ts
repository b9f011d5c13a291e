import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseManifest, type Manifest } from './manifest.ts'
import { readManifestOf } from './read-listed.ts'
import { sha256 } from './sha256.ts'

/** The newest bundle of a folder, to which the next one is chained; null where there is none. */
export async function previousBundle(artifactsFolder: string): Promise<Manifest['previous']> {
  let newest: { createdAt: string; link: NonNullable<Manifest['previous']> } | null = null
  for (const name of await readdir(artifactsFolder).catch(noneIfMissing)) {
    const text = await readManifestOf(join(artifactsFolder, name)).catch(() => null)
    const manifest = text === null ? null : parsedOrNull(text.toString('utf8'))
    if (text === null || manifest === null) continue
    if (newest !== null && manifest.created_at <= newest.createdAt) continue
    newest = {
      createdAt: manifest.created_at,
      link: { run_id: manifest.run_id, manifest_sha256: sha256(text) },
    }
  }
  return newest?.link ?? null
}

/** A broken bundle beside the new one is `verify`'s to report; it cannot be a link of the chain. */
function parsedOrNull(text: string): Manifest | null {
  try {
    return parseManifest(text)
  } catch {
    return null
  }
}

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code !== 'ENOENT') throw error
  return []
}
