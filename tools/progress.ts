import type { BuildProgress } from './build.ts'

const PLAIN_LINE_EVERY_MS = 15_000
const TERMINAL_LINE_EVERY_MS = 200

/** What progress is written to. */
export interface ProgressHost {
  readonly stderr: { write(text: string): void; readonly isTerminal: boolean }
  readonly clock: { monotonicMs(): number }
}

/** Prints a line that rewrites itself on a terminal, and a plain line now and then elsewhere. */
export function buildProgressPrinter(host: ProgressHost): (progress: BuildProgress) => void {
  const { isTerminal } = host.stderr
  let current = ''
  let startedAtMs = 0
  let printedAtMs = 0
  return ({ component, packagesCompiled }) => {
    const nowMs = host.clock.monotonicMs()
    const isNew = component.name !== current
    if (isNew) {
      if (isTerminal && current !== '') host.stderr.write('\n')
      current = component.name
      startedAtMs = nowMs
    } else if (nowMs - printedAtMs < (isTerminal ? TERMINAL_LINE_EVERY_MS : PLAIN_LINE_EVERY_MS)) {
      return
    }
    printedAtMs = nowMs
    const seconds = Math.round((nowMs - startedAtMs) / 1000)
    const text = `building ${component.name} ${component.version} (once): ${packagesCompiled} packages, ${seconds} s`
    host.stderr.write(isTerminal ? `\r${text}\u001b[K` : `${text}\n`)
  }
}
