import { MANIFEST_FILE, type Manifest } from './manifest.ts'
import { comparePaths } from './file-tree.ts'

export const SHA256SUMS_FILE = 'SHA256SUMS'

/** The manifest's digests, and its own, in the form that `sha256sum --strict -c` reads. */
export function renderSha256Sums(manifest: Manifest, manifestSha256: string): string {
  const own = { path: MANIFEST_FILE, sha256: manifestSha256 }
  const lines = [...manifest.files, own]
    .toSorted((a, b) => comparePaths(a.path, b.path))
    .map((file) => `${file.sha256}  ${file.path}\n`)
  return lines.join('')
}
