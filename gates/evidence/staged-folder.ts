import { randomBytes } from 'node:crypto'
import { chmod, copyFile, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const READ_ONLY = 0o444

/** A folder under construction beside its place; it appears there whole and synced, or not at all. */
export interface StagedFolder {
  readonly path: string
  write(path: string, content: string | Uint8Array): Promise<void>
  copy(from: string, path: string): Promise<void>
  /** Makes all files read-only, syncs everything and renames; an existing folder is never replaced. */
  publish(): Promise<void>
  discard(): Promise<void>
}

export async function stageFolder(target: string): Promise<StagedFolder> {
  const parent = dirname(target)
  await mkdir(parent, { recursive: true })
  await refuseExisting(target)
  const staging = `${target}.${randomBytes(6).toString('hex')}.tmp`
  await mkdir(staging, { mode: 0o755 })
  const placeFor = async (path: string) => {
    const place = join(staging, path)
    await mkdir(dirname(place), { recursive: true })
    return place
  }
  return {
    path: staging,
    write: async (path, content) => writeFile(await placeFor(path), content, { flag: 'wx' }),
    copy: async (from, path) => copyFile(from, await placeFor(path)),
    publish: async () => {
      await sealTree(staging)
      await refuseExisting(target)
      await rename(staging, target)
      await syncPath(parent)
    },
    discard: () => rm(staging, { recursive: true, force: true }),
  }
}

/** Adds one read-only file to a published folder; an existing one is never replaced. */
export async function addSealedFile(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'wx', READ_ONLY)
  try {
    await file.writeFile(content)
    await file.chmod(READ_ONLY)
    await file.sync()
  } finally {
    await file.close()
  }
  await syncPath(dirname(path))
}

async function sealTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await sealTree(path)
    else {
      await syncPath(path)
      await chmod(path, READ_ONLY)
    }
  }
  await syncPath(folder)
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function refuseExisting(target: string): Promise<void> {
  const found = await stat(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (found !== undefined) throw new Error(`${target} exists already: evidence is never overwritten`)
}
