import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Check } from 'typebox/value'

const FileContent = Type.Object(
  {
    session_id: Type.String({ pattern: '^[0-9a-f-]{36}$' }),
    user_id: Type.Union([Type.String(), Type.Null()]),
    owner: Type.Union([Type.String(), Type.Null()]),
    metadata: Type.Record(Type.String(), Type.String()),
    created_at_ms: Type.Number(),
  },
  { additionalProperties: false },
)

export type SessionFile = Static<typeof FileContent>

const FILE_MODE = 0o600
/** A process may have fewer files open than there are sessions. */
const READ_AT_ONCE = 16

/**
 * One small file per open session, so that a restart knows which ones were cut off. Written whole and renamed before
 * the session is told of; not fsynced, because a session that a power loss forgets is only opened again.
 */
export function createSessionFiles(folder: string, onTrouble: (error: unknown) => void) {
  const pathOf = (id: string) => join(folder, `${id}.json`)
  const writeTo = async (path: string, content: object): Promise<void> => {
    const temporary = join(folder, `.${basename(path)}.tmp`)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    try {
      await writeFile(temporary, JSON.stringify(content), { mode: FILE_MODE })
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined)
      throw error
    }
  }
  return {
    write: (file: SessionFile): Promise<void> => writeTo(pathOf(file.session_id), file),
    /** Fails where a session could not be written now. */
    async probe(): Promise<void> {
      const path = pathOf('probe')
      await writeTo(path, {})
      await rm(path)
    },
    async remove(id: string): Promise<void> {
      await rm(pathOf(id), { force: true })
    },
    /**
     * Sessions that an earlier process left open, in their files as before. What is no session file is removed; what
     * cannot be read is left where it is, and told.
     */
    async leftovers(): Promise<readonly SessionFile[]> {
      const names = await readdir(folder).catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') onTrouble(error)
        return []
      })
      const files: SessionFile[] = []
      for (let at = 0; at < names.length; at += READ_AT_ONCE) {
        const some = names.slice(at, at + READ_AT_ONCE).map((name) =>
          readLeftover(folder, name).catch((error: unknown) => {
            onTrouble(error)
            return null
          }),
        )
        files.push(...(await Promise.all(some)).filter((file) => file !== null))
      }
      return files
    },
  }
}

export type SessionFiles = ReturnType<typeof createSessionFiles>

async function readLeftover(folder: string, name: string): Promise<SessionFile | null> {
  const path = join(folder, name)
  const content = await readFile(path, 'utf8').then(parse, (error: unknown) => {
    if (codeOf(error) !== 'EISDIR') throw error
    return null
  })
  if (content !== null && name === `${content.session_id}.json`) return content
  await rm(path, { force: true, recursive: true })
  return null
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

function parse(text: string): SessionFile | null {
  try {
    const value: unknown = JSON.parse(text)
    return Check(FileContent, value) ? value : null
  } catch {
    return null
  }
}
