import { CliError, EXIT_CODES } from '../exit-codes.ts'

/** One thing wrong in an input file. */
export interface InputProblem {
  /** File name without its folder. */
  readonly file: string
  readonly line: number
  readonly message: string
}

/** A problem at a place written as `file:line`, the way criteria say where they come from. */
export function problemAt(source: string, message: string): InputProblem {
  const [file = '', line = '1'] = source.split(':')
  return { file, line: Number(line), message }
}

const SHOWN_MAX = 20

/** All problems at once, in file order; nothing is judged by a file that has one. */
export function refuseInput(problems: readonly InputProblem[]): CliError {
  const sorted = problems.toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line)
  const lines = sorted.slice(0, SHOWN_MAX).map(({ file, line, message }) => `${file}:${line}: ${message}`)
  if (sorted.length > SHOWN_MAX) lines.push(`and ${sorted.length - SHOWN_MAX} more`)
  return new CliError(EXIT_CODES.badInput, lines.join('\n       '), {
    hint: 'correct the file; gates/criteria/criteria.schema.json says what it may hold',
  })
}
