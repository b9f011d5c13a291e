/** A native component is missing, too old or could not be built; `exitCode` 69 is "component missing". */
export class ToolError extends Error {
  override readonly name = 'ToolError'
  readonly exitCode = 69
  readonly hint: string

  constructor(message: string, options: { hint: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.hint = options.hint
  }
}
