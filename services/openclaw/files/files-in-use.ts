import { ServiceError } from '#chassis/errors.ts'

/**
 * Keeps a file that a person approved a call on as it was looked at: from then until the call is over nobody writes it,
 * and no such call begins while somebody does. Paths are components joined by `/`, the root is `.`; a folder stands for
 * all that is in it. Both throw CONFLICT, and return what ends it.
 */
export interface FilesInUse {
  readonly holdOperands: (paths: readonly string[]) => () => void
  readonly beginWrite: (path: string) => () => void
}

export function createFilesInUse(): FilesInUse {
  const held = new Set<{ readonly path: string }>()
  const written = new Set<{ readonly path: string }>()
  const enter = (paths: readonly string[], own: typeof held, others: typeof held) => {
    if (paths.some((path) => [...others].some((other) => meet(path, other.path)))) {
      throw new ServiceError('CONFLICT', 'A file of this call is in use by another one; try again.')
    }
    const entries = paths.map((path) => ({ path }))
    for (const entry of entries) own.add(entry)
    return () => {
      for (const entry of entries) own.delete(entry)
    }
  }
  return {
    holdOperands: (paths) => enter(paths, held, written),
    beginWrite: (path) => enter([path], written, held),
  }
}

function meet(one: string, other: string): boolean {
  return holds(one, other) || holds(other, one)
}

function holds(folder: string, path: string): boolean {
  return folder === '.' || folder === path || path.startsWith(`${folder}/`)
}
