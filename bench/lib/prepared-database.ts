import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { makeZipfDatabase } from './zipf-memories.ts'

export interface PreparedDatabase {
  readonly memories: number
  readonly seed: number
  /** Where it is kept between runs, so that a quiet machine is not spent on making it; null: made anew. */
  readonly kept: string | null
}

/** A state folder with a memory database of so many memories; returns the path of the database. */
export function prepareHome(home: string, { memories, seed, kept }: PreparedDatabase): string {
  const file = join(home, 'data', 'memory', 'sonia.db')
  mkdirSync(dirname(file), { recursive: true })
  mkdirSync(join(home, 'config'))
  if (kept === null) makeZipfDatabase(file, memories, mulberry32(seed))
  else copyFileSync(keepDatabase({ memories, seed, kept }), file)
  return file
}

/** Made under another name first: a database that was never finished is not taken for one. */
export function keepDatabase({ memories, seed, kept }: PreparedDatabase & { readonly kept: string }): string {
  if (existsSync(kept)) return kept
  mkdirSync(dirname(kept), { recursive: true })
  makeZipfDatabase(`${kept}.making`, memories, mulberry32(seed))
  renameSync(`${kept}.making`, kept)
  return kept
}
