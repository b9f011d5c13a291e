import { execFile, spawn } from 'node:child_process'
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'

/** A piece of text to look through, made when it is asked for. */
export interface Source {
  readonly path: string
  readonly text: string
}

const run = promisify(execFile)

const TEXT_BYTES_MAX = 4 * 1024 * 1024
const LISTING_BYTES_MAX = 64 * 1024 * 1024
const GIT_TIMEOUT_MS = 30_000

/** All text files below a folder; names are relative to `base`. A folder that is not there holds nothing. */
export function* filesBelow(folder: string, base: string): Generator<Source> {
  for (const entry of entriesOf(folder)) {
    const path = join(entry.parentPath, entry.name)
    const text = entry.isFile() ? readText(path) : undefined
    if (text !== undefined) yield { path: relative(base, path), text }
  }
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
  } catch {
    return []
  }
}

/** undefined for what is no text, is too long to be one, or is gone by now. */
function readText(path: string): string | undefined {
  try {
    if (statSync(path).size > TEXT_BYTES_MAX) return undefined
    return textOf(readFileSync(path))
  } catch {
    return undefined
  }
}

function textOf(bytes: Buffer): string | undefined {
  return bytes.includes(0) ? undefined : bytes.toString('utf8')
}

/** Paths of tracked files; undefined outside a repository (an unpacked archive). */
export async function trackedPaths(repository: string): Promise<readonly string[] | undefined> {
  try {
    const { stdout } = await run('git', ['ls-files', '-z'], gitOptions(repository))
    return stdout.split('\0').filter((path) => path !== '')
  } catch {
    return undefined
  }
}

export function* trackedFiles(repository: string, paths: readonly string[]): Generator<Source> {
  for (const path of paths) {
    const text = readText(join(repository, path))
    if (text !== undefined) yield { path, text }
  }
}

/** Every blob that any commit ever held, under the first path it had. */
export async function* historyBlobs(repository: string): AsyncGenerator<Source> {
  const { stdout } = await run('git', ['rev-list', '--objects', '--all'], gitOptions(repository))
  const paths = new Map<string, string>()
  for (const line of stdout.split('\n')) {
    const space = line.indexOf(' ')
    if (space > 0 && !paths.has(line.slice(0, space))) paths.set(line.slice(0, space), line.slice(space + 1))
  }
  for await (const { id, bytes } of readObjects(repository, [...paths.keys()])) {
    const text = bytes.length > TEXT_BYTES_MAX ? undefined : textOf(bytes)
    if (text !== undefined) yield { path: paths.get(id) ?? id, text }
  }
}

/** Contents of the blobs among the objects, by one `git cat-file --batch`: `<id> <type> <size>\n<bytes>\n`. */
async function* readObjects(repository: string, ids: readonly string[]) {
  const child = spawn('git', ['cat-file', '--batch', '--buffer'], {
    cwd: repository,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.end(`${ids.join('\n')}\n`)
  let held = Buffer.alloc(0)
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    held = Buffer.concat([held, chunk])
    for (let next = takeObject(held); next !== undefined; next = takeObject(held)) {
      held = held.subarray(next.length)
      if (next.type === 'blob') yield { id: next.id, bytes: next.bytes }
    }
  }
}

function takeObject(held: Buffer) {
  const end = held.indexOf(10)
  if (end < 0) return undefined
  const [id = '', type = '', size = ''] = held.subarray(0, end).toString('latin1').split(' ')
  const bytesAt = end + 1
  const length = type === 'missing' ? bytesAt : bytesAt + Number(size) + 1
  if (held.length < length) return undefined
  return { id, type, length, bytes: held.subarray(bytesAt, Math.max(bytesAt, length - 1)) }
}

function gitOptions(cwd: string) {
  return { cwd, maxBuffer: LISTING_BYTES_MAX, timeout: GIT_TIMEOUT_MS, encoding: 'utf8' } as const
}
