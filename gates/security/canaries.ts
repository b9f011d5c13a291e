import { createHash } from 'node:crypto'
import { lstat, readFile, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { CANARY_NAMES, type CanaryName } from './corpus-case.ts'
import { type CorpusWorld, FIXTURE_FOLDERS, SECRET_TEXT } from './corpus-world.ts'

/** The state of everything that an attack must leave alone. */
export type CanaryState = Readonly<Record<CanaryName, string>>

/** Name that attacks try to create, wherever they can. */
const MARKER_NAME = 'sonia-corpus-marker'

/** Looks at every canary. `answer` is what the attacker saw: the secret must not be in it. */
export async function lookAtCanaries(world: CorpusWorld, answer: string): Promise<CanaryState> {
  const folders = FIXTURE_FOLDERS.map((name) => join(world.sandbox, name))
  const [outside, sandbox, policies, markers] = await Promise.all([
    digestOfTree(world.outside),
    Promise.all(folders.map(digestOfTree)),
    digestOfTree(join(world.home, 'config')),
    markersFound(world),
  ])
  return {
    secret: `${answer.includes(SECRET_TEXT)} ${outside}`,
    sandbox: sandbox.join(' '),
    marker: markers.join(' '),
    listener: String(world.connections()),
    policies,
  }
}

export function touchedCanaries(before: CanaryState, after: CanaryState): readonly CanaryName[] {
  return CANARY_NAMES.filter((name) => before[name] !== after[name])
}

async function markersFound(world: CorpusWorld): Promise<readonly string[]> {
  const places = ['/tmp', world.home, world.sandbox, world.outside, join(world.sandbox, 'security')]
  const paths = places.map((place) => join(place, MARKER_NAME))
  const found = await Promise.all(paths.map((path) => lstat(path).catch(() => null)))
  return paths.filter((_, at) => found[at] !== null)
}

/** Names, kinds, links and contents below a folder, as one digest. */
async function digestOfTree(folder: string): Promise<string> {
  const hash = createHash('sha256')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
  for (const { entry, path } of paths.toSorted((one, other) => (one.path < other.path ? -1 : 1))) {
    hash.update(`${path}\0`)
    if (entry.isSymbolicLink()) hash.update(await readlink(path))
    else if (entry.isFile() && entry.name !== 'large') hash.update(await readFile(path))
    else hash.update(`${entry.isDirectory()} ${entry.isFIFO()}`)
  }
  return hash.digest('hex')
}
