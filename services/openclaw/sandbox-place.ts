import { realpathSync } from 'node:fs'

/** True if the sandbox holds one of the folders, or lies in one: then its files would be everybody's to read and write. */
export function isSandboxMisplaced(sandbox: string, ownFolders: readonly string[]): boolean {
  const place = `${realpathSync(sandbox)}/`
  return ownFolders.some((folder) => {
    const own = `${realOrAsNamed(folder)}/`
    return own.startsWith(place === '//' ? '/' : place) || place.startsWith(own)
  })
}

function realOrAsNamed(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // Not there yet; it will be made under this name.
    return path
  }
}
