/** Exit codes of the command line that ops itself raises; the whole table is in ARCHITECTURE.md. */
export const OPS_EXIT = {
  badUsage: 64,
  badInput: 65,
  unavailable: 69,
  internal: 70,
  interrupted: 130,
} as const

export type OpsExitCode = (typeof OPS_EXIT)[keyof typeof OPS_EXIT]

/** An expected failure: what failed, on what, the exit code, and what to try next. */
export class OpsError extends Error {
  override readonly name = 'OpsError'
  readonly exitCode: OpsExitCode
  readonly hint: string

  constructor(exitCode: OpsExitCode, message: string, options: { hint: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.exitCode = exitCode
    this.hint = options.hint
  }
}

/** Error code of a failed system call ("EACCES"), or undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
