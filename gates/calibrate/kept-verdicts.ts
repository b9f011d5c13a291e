import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import type { FamilyPlan } from './calibrate-families.ts'
import type { JudgedHistory } from './judge-history.ts'

/** Verdicts of families that an earlier run judged whole, in one file each. */
export interface KeptVerdicts {
  /** Null where nothing was kept, or too few. */
  readonly read: (plan: FamilyPlan) => readonly JudgedHistory[] | null
  readonly write: (family: string, judged: readonly JudgedHistory[]) => void
}

interface KeptFile {
  readonly seed: number
  readonly code: string
  readonly judged: readonly JudgedHistory[]
}

/** `code` is a digest of what made and judged the histories: verdicts of other code or of another seed are refused. */
export function keptVerdicts(
  folder: string,
  { seed, code }: { readonly seed: number; readonly code: string },
): KeptVerdicts {
  mkdirSync(folder, { recursive: true })
  const fileOf = (family: string) => join(folder, `${family}.json`)
  return {
    read: ({ family, histories }) => {
      if (!existsSync(fileOf(family.id))) return null
      const kept = parsed(fileOf(family.id))
      if (kept.seed !== seed || kept.code !== code) {
        const hint = 'name another folder with --keep, or remove this one'
        throw new CliError(
          EXIT_CODES.badInput,
          `${fileOf(family.id)} holds verdicts of another seed or of other code`,
          { hint },
        )
      }
      return kept.judged.length < histories ? null : kept.judged.slice(0, histories)
    },
    write: (family, judged) => {
      const half = `${fileOf(family)}.half`
      writeFileSync(half, JSON.stringify({ seed, code, judged } satisfies KeptFile))
      renameSync(half, fileOf(family))
    },
  }
}

function parsed(file: string): Partial<KeptFile> & Pick<KeptFile, 'judged'> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as KeptFile
  } catch (cause) {
    throw new CliError(EXIT_CODES.badInput, `${file} holds no verdicts of a calibration`, { cause })
  }
}

const SOURCES = ['gates/statistics/*.ts', 'gates/judges/*.ts', 'gates/calibrate/histories/*.ts']

/** Digest of everything a verdict of a history depends on. */
export function calibratedCode(repository: string): string {
  const files = globSync([...SOURCES, 'gates/calibrate/judge-history.ts'], { cwd: repository })
    .filter((name) => !name.endsWith('.test.ts'))
    .toSorted()
  const digest = createHash('sha256')
  for (const name of files) digest.update(`${name}\n`).update(readFileSync(join(repository, name)))
  return digest.digest('hex')
}
