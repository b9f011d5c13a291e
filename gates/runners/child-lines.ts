import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface ChildLinesOptions {
  /** Script and its arguments, run by this Node. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
}

/** Runs a script in a process of its own and hands over its output line by line; returns its exit code. */
export async function childLines({ args, env, signal, onLine }: ChildLinesOptions): Promise<number | null> {
  const child = spawn(process.execPath, [...args], {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
  })
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('close', resolve)
  })
  for await (const line of createInterface({ input: child.stdout })) onLine(line)
  return ended
}
