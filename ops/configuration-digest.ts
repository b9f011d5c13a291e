import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readPlainFile } from './read-plain-file.ts'

/** SHA-256 over sonia.json and the policies of a configuration folder, names included; keys are no part of it. */
export function digestOfConfiguration(folder: string): string {
  const hash = createHash('sha256')
  for (const path of ['sonia.json', ...policiesIn(folder)])
    hash
      .update(`${path}\n`)
      .update(contentOf(join(folder, path)))
      .update('\n')
  return hash.digest('hex')
}

function policiesIn(folder: string): readonly string[] {
  try {
    return readdirSync(join(folder, 'policies'))
      .toSorted()
      .map((name) => join('policies', name))
  } catch (error) {
    return emptyWhereAbsent(error, [])
  }
}

function contentOf(path: string): string | Buffer {
  try {
    return readPlainFile(path)
  } catch (error) {
    return emptyWhereAbsent(error, '')
  }
}

/** A file that is not there is a state like any other; one that cannot be read is not. */
function emptyWhereAbsent<T>(error: unknown, empty: T): T {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return empty
  throw error
}
