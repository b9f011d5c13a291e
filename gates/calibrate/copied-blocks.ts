import { cp, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type RecordedPrometheus, startOverBlocks } from '../evidence/recorded-prometheus.ts'
import { CliError, EXIT_CODES } from '../exit-codes.ts'

export interface BlockSource {
  readonly binary: string
  /** Folder below which the copy is made and removed. */
  readonly scratchParent: string
  readonly blocks: string
}

/** Runs an action against a Prometheus over a copy of the blocks: opening them for real would write into them. */
export async function withCopiedBlocks<T>(
  { binary, scratchParent, blocks }: BlockSource,
  action: (prometheus: Pick<RecordedPrometheus, 'url' | 'hasEnded'>) => Promise<T>,
): Promise<T> {
  await refuseNoBlocks(blocks)
  const scratch = await mkdtemp(join(scratchParent, 'sonia-judge-'))
  try {
    const copy = join(scratch, 'blocks')
    await cp(blocks, copy, { recursive: true, verbatimSymlinks: true })
    const prometheus = await startOverBlocks(binary, scratch, copy).catch((cause: unknown) => {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new CliError(EXIT_CODES.badInput, `the blocks in ${blocks} cannot be opened: ${message}`, {
        cause,
      })
    })
    try {
      return await action(prometheus)
    } finally {
      await prometheus.stop()
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Prometheus takes an empty folder for an empty history, which is not what was meant. */
async function refuseNoBlocks(blocks: string): Promise<void> {
  const names = await readdir(blocks).catch(() => [])
  const found = await Promise.all(
    names.map((name) =>
      stat(join(blocks, name, 'meta.json')).then(
        () => true,
        () => false,
      ),
    ),
  )
  if (found.includes(true)) return
  throw new CliError(EXIT_CODES.badInput, `${blocks} holds no blocks of Prometheus`, {
    hint: 'name the folder that holds the block folders, each with its meta.json',
  })
}
