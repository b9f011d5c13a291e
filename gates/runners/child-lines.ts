import { spawn } from 'node:child_process'

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
  let rest = ''
  // Not readline: it also splits at U+2028 and U+2029, which JSON texts may hold.
  for await (const piece of child.stdout.setEncoding('utf8')) {
    const lines = (rest + String(piece)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  }
  if (rest !== '') onLine(rest)
  return ended
}
