import { spawn } from 'node:child_process'

export interface ProcessResult {
  readonly exitCode: number
  readonly stdout: Buffer
  readonly stderr: string
}

export interface ProcessOptions {
  readonly cwd?: string
  readonly input?: Uint8Array | string
  readonly timeoutMs?: number
  readonly outputBytesMax?: number
  readonly env?: Readonly<Record<string, string>>
}

/** Says nothing about what was to be checked: the machine lacks the program, or may not run it. */
export class ProgramNotStarted extends Error {
  constructor(program: string, cause: Error) {
    super(`${program} could not be started: ${cause.message}`, { cause })
    this.name = 'ProgramNotStarted'
  }
}

const TIMEOUT_MS = 60_000
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** Runs one program to its end. A program that cannot be started rejects; its exit code is the caller's to judge. */
export function runProcess(
  file: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    const limit = options.outputBytesMax ?? OUTPUT_BYTES_MAX
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    let bytes = 0
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > limit) child.kill('SIGKILL')
      else into.push(chunk)
    }
    child.stdout.on('data', collect(stdout))
    child.stderr.on('data', collect(stderr))
    child.on('error', (cause) => reject(new ProgramNotStarted(file, cause)))
    child.on('close', (code, signal) => {
      const said = Buffer.concat(stderr).toString('utf8')
      if (bytes > limit) reject(new Error(`${file} wrote more than ${limit} bytes`))
      else if (signal !== null)
        reject(new Error(`${file} ${args[0] ?? ''} was ended by ${signal} (time limit): ${said}`))
      else resolve({ exitCode: code ?? -1, stdout: Buffer.concat(stdout), stderr: said })
    })
    // A program that does not read its input closes the pipe early; its exit code says what that means.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })
}

/** Standard output of a program that must succeed. */
export async function outputOf(
  file: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<string> {
  const result = await runProcess(file, args, options)
  if (result.exitCode !== 0)
    throw new Error(`${file} ${args.join(' ')} failed (${result.exitCode}): ${result.stderr.trim()}`)
  return result.stdout.toString('utf8')
}
