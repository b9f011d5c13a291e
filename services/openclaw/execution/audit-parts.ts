import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const SEQ_DIGITS = 14
/** Closed parts that are kept, unless said otherwise. */
export const CLOSED_PARTS_MAX = 7

/** Parts of the log that were closed, oldest first. Each is named by the number of its last line. */
export async function closedParts(path: string): Promise<readonly string[]> {
  const pattern = new RegExp(String.raw`^${RegExp.escape(basename(path))}\.\d{${SEQ_DIGITS}}$`)
  const names = (await readdir(dirname(path))).filter((name) => pattern.test(name))
  return names.toSorted().map((name) => join(dirname(path), name))
}

/** Opens the part that is written, and removes what a crash left of an exchange. */
export async function openPart(path: string): Promise<FileHandle> {
  await rm(nextPart(path), { force: true })
  return open(path, 'a+', 0o600)
}

function nextPart(path: string): string {
  return `${path}.next`
}

/**
 * Closes the part that ends with line `lastSeq`, begins a new one, and removes the oldest beyond `closedMax`. Whatever
 * fails, the names are as they were, so that the handle at hand still belongs to the part that is written.
 */
export async function exchangePart(
  path: string,
  { lastSeq, closedMax }: { readonly lastSeq: number; readonly closedMax: number },
): Promise<FileHandle> {
  await rm(nextPart(path), { force: true })
  const next = await open(nextPart(path), 'ax+', 0o600)
  const closedPart = `${path}.${String(lastSeq).padStart(SEQ_DIGITS, '0')}`
  try {
    await rename(path, closedPart)
    await rename(nextPart(path), path)
    await syncFolder(dirname(path))
    const closed = await closedParts(path)
    await Promise.all(closed.slice(0, Math.max(0, closed.length - closedMax)).map((part) => rm(part)))
    return next
  } catch (error) {
    await next.close()
    // Over the new part, which is still empty; where nothing was renamed there is nothing to take back.
    await rename(closedPart, path).catch(() => undefined)
    throw error
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
