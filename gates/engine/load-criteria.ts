import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CliError, EXIT_CODES } from '../exit-codes.ts'
import { buildCriteria } from './build-criteria.ts'
import type { GateCriteria } from './criterion.ts'
import { type InputProblem, refuseInput } from './input-problems.ts'
import { CRITERIA_BYTES_MAX, parseCriteria } from './parse-criteria.ts'

/** Every `<gate>.yaml` of the folder, or one error that lists all that is wrong in all of them. */
export async function loadCriteriaFolder(folder: string): Promise<readonly GateCriteria[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new CliError(EXIT_CODES.badInput, `the criteria folder ${folder} cannot be read`, {
      hint: 'give a folder that holds <gate>.yaml files',
      cause,
    })
  })
  const files = names.filter((name) => name.endsWith('.yaml')).toSorted()
  return loadCriteriaFiles(files.map((name) => join(folder, name)))
}

/** The criteria of the named files. */
export async function loadCriteriaFiles(paths: readonly string[]): Promise<readonly GateCriteria[]> {
  const problems: InputProblem[] = []
  const gates: GateCriteria[] = []
  for (const path of paths) {
    const loaded = await loadOne(path)
    if ('gate' in loaded) gates.push(loaded)
    else problems.push(...loaded)
  }
  if (problems.length > 0) throw refuseInput(problems)
  return gates
}

async function loadOne(path: string): Promise<GateCriteria | readonly InputProblem[]> {
  const file = basename(path)
  const text = await readBounded(path, file)
  if (typeof text !== 'string') return text
  const parsed = parseCriteria(file, text)
  return 'content' in parsed ? buildCriteria(parsed) : parsed
}

async function readBounded(path: string, file: string): Promise<string | readonly InputProblem[]> {
  try {
    const { size } = await stat(path)
    if (size > CRITERIA_BYTES_MAX) return [{ file, line: 1, message: `has ${size} bytes: too many` }]
    return await readFile(path, 'utf8')
  } catch (error) {
    return [
      { file, line: 1, message: `cannot be read: ${error instanceof Error ? error.message : String(error)}` },
    ]
  }
}
