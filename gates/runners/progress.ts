import type { Clock, Output } from '../host.ts'

/** What a person sees while a run goes on: one moving line on a terminal, plain lines elsewhere. */
export interface Progress {
  /** Something lasting: stays on the screen. */
  say(line: string): void
  /** Where it stands; replaced by the next one on a terminal, written at most every few seconds elsewhere. */
  at(line: string): void
  done(): void
}

const PLAIN_INTERVAL_MS = 10_000
const CLEAR_LINE = '\r\u001b[2K'

export function createProgress(output: Output, clock: Clock): Progress {
  const startedAtMs = clock.monotonicMs()
  const elapsed = () => formatElapsed(clock.monotonicMs() - startedAtMs)
  return output.isTerminal ? terminalProgress(output, elapsed) : plainProgress(output, elapsed, clock)
}

/** For `--json`, where standard output belongs to the result. */
export const silentProgress: Progress = { say: () => undefined, at: () => undefined, done: () => undefined }

function terminalProgress(output: Output, elapsed: () => string): Progress {
  const fit = (line: string) => line.slice(0, Math.max(20, output.columns - 1))
  return {
    say: (line) => output.write(`${CLEAR_LINE}${elapsed()}  ${line}\n`),
    at: (line) => output.write(`${CLEAR_LINE}${fit(`${elapsed()}  ${line}`)}`),
    done: () => output.write(CLEAR_LINE),
  }
}

function plainProgress(output: Output, elapsed: () => string, clock: Clock): Progress {
  let nextAtMs = 0
  return {
    say: (line) => output.write(`${elapsed()}  ${line}\n`),
    at: (line) => {
      if (clock.monotonicMs() < nextAtMs) return
      nextAtMs = clock.monotonicMs() + PLAIN_INTERVAL_MS
      output.write(`${elapsed()}  ${line}\n`)
    },
    done: () => undefined,
  }
}

function formatElapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const pad = (value: number) => String(value).padStart(2, '0')
  const clock = `${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`
  return seconds < 3600 ? clock : `${Math.floor(seconds / 3600)}:${clock}`
}
