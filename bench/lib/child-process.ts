import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
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
  core?: number,
): Promise<StartedProgram> {
  const [command = '', ...rest] = [...pinnedTo(core), process.execPath, ...args]
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'], env })
  if (child.stdout === null || child.pid === undefined) throw new Error('the program did not start')
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return {
    hello: JSON.parse(line) as Record<string, unknown>,
    pid: child.pid,
    stop: () => stopChild(child),
  }
}

/** Nothing where no core is asked for, or util-linux is missing. */
function pinnedTo(core: number | undefined): readonly string[] {
  return core === undefined || !existsSync(TASKSET) ? [] : [TASKSET, '-c', String(core)]
}

/** Keeps this process, with the threads it has yet to start, off the core of what it measures. */
export function pinSelf(core: number): void {
  if (existsSync(TASKSET))
    spawnSync(TASKSET, ['-cpa', String(core), String(process.pid)], { stdio: 'ignore' })
}

const TASKSET = '/usr/bin/taskset'

export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}
