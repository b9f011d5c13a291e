/** Exit codes of the command line; the README lists them and a test compares. */
export const EXIT_CODES = {
  passed: 0,
  gateFailed: 1,
  inconclusive: 2,
  bundleTampered: 10,
  bundleIncomplete: 11,
  bundleUntrusted: 12,
  bundleStale: 13,
  bundleOtherVerdict: 14,
  badUsage: 64,
  badInput: 65,
  componentMissing: 69,
  internal: 70,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES]

/** A number that came from elsewhere, as one of these; anything else is a defect of the program. */
export function knownExitCode(code: number): ExitCode {
  const known = Object.values(EXIT_CODES).find((one) => one === code)
  if (known === undefined) throw new Error(`${code} is no exit code of this program`)
  return known
}

/** A failure the caller can act on: what failed and on what is the message, what to try is the hint. */
export class CliError extends Error {
  readonly exitCode: ExitCode
  readonly hint: string | undefined

  constructor(exitCode: ExitCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CliError'
    this.exitCode = exitCode
    this.hint = options.hint
  }
}
