import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A program that says on its first line, in JSON, where it can be reached. Ended by `stop`. */
export interface StartedProgram {
  readonly hello: Readonly<Record<string, unknown>>
  readonly pid: number
  stop(): Promise<void>
}

export async function startProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<StartedProgram> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  if (child.stdout === null || child.pid === undefined) throw new Error('the program did not start')
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return {
    hello: JSON.parse(line) as Record<string, unknown>,
    pid: child.pid,
    stop: () => stopChild(child),
  }
}

export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}
