import { join } from 'node:path'
import { STATE_DATABASES } from '#catalog'
import { readSchemaVersion } from './database.ts'
import type { FileSystem } from './file-system.ts'

export interface SchemaVersion {
  /** Below the state folder. */
  readonly path: string
  readonly found: number
  /** What this version of the program brings it to. */
  readonly known: number
}

/** The databases of a state folder with their schemas; a file that is new, or no database, has none. */
export function schemasOf(home: string, files: FileSystem): readonly SchemaVersion[] {
  return STATE_DATABASES.flatMap(({ path, schemaVersion }) => {
    if (files.kindOf(join(home, path)) !== 'file') return []
    const found = readSchemaVersion(join(home, path))
    return found === null || found === 0 ? [] : [{ path, found, known: schemaVersion }]
  })
}

/** The newest schema of this path that this version can read; null for a file that it does not know. */
export function knownSchema(path: string): number | null {
  return STATE_DATABASES.find((database) => database.path === path)?.schemaVersion ?? null
}
