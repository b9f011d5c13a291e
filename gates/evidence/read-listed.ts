import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Manifest, MANIFEST_FILE } from './manifest.ts'
import { sha256 } from './sha256.ts'

/** Of what is read whole and parsed: whoever sends more sends something else. */
export const PARSED_BYTES_MAX = 64 * 1024 * 1024

/** The very bytes that the manifest names, whoever writes into the folder meanwhile. */
export async function readListed(bundle: string, manifest: Manifest, path: string): Promise<string> {
  const listed = manifest.files.find((file) => file.path === path)
  if (listed === undefined) throw new Error(`${path} is not in the manifest`)
  if (listed.size > PARSED_BYTES_MAX) throw new Error(`${path} has ${listed.size} bytes: too many`)
  const bytes = await readFile(join(bundle, path))
  if (sha256(bytes) !== listed.sha256) throw new Error(`${path} changed while it was read`)
  return bytes.toString('utf8')
}

/** The manifest of another folder, where it has one; anything but a plain file of a likely size is an error. */
export async function readManifestOf(folder: string): Promise<Buffer | null> {
  const path = join(folder, MANIFEST_FILE)
  const found = await lstat(path).catch(() => null)
  if (found === null) return null
  // A pipe never ends, a link may lead to a device that does not either.
  if (!found.isFile()) throw new Error('its manifest is no file')
  if (found.size > PARSED_BYTES_MAX) throw new Error(`its manifest has ${found.size} bytes: too many`)
  return readFile(path)
}
