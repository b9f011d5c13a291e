import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { EXIT_CODES } from './exit-codes.ts'

export interface Output {
  write(text: string): void
  readonly isTerminal: boolean
  readonly columns: number
}

export interface Clock {
  /** Milliseconds since the epoch; may jump. */
  nowMs(): number
  /** Milliseconds that never jump back. */
  monotonicMs(): number
  /** Ends early, without an error, when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Everything the program takes from its process, as one value that tests replace. */
export interface Host {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Root of the repository that this program belongs to. */
  readonly repository: string
  readonly stdout: Output
  readonly stderr: Output
  readonly clock: Clock
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP: stop everything, in order. */
  readonly interrupted: AbortSignal
  /** Aborts at the second one: stop everything, now. */
  readonly interruptedTwice: AbortSignal
}

export function hostOfProcess(process: NodeJS.Process, killMs = KILL_MS): Host {
  const [interrupted, interruptedTwice] = listenForInterrupts(process, killMs)
  return {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    repository: fileURLToPath(new URL('..', import.meta.url)),
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    clock: systemClock,
    interrupted,
    interruptedTwice,
  }
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      if (!signal?.aborted) throw error
    }
  },
}

function outputOf(stream: NodeJS.WriteStream): Output {
  // A reader that went away (`| head`) is no reason to leave a stack behind.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    columns: stream.columns ?? 100,
  }
}

/** From the second interrupt to the end, come what may. */
const KILL_MS = 10_000

function listenForInterrupts(process: NodeJS.Process, killMs: number): [AbortSignal, AbortSignal] {
  const first = new AbortController()
  const second = new AbortController()
  const onSignal = () => {
    if (!first.signal.aborted) first.abort()
    else if (!second.signal.aborted) {
      second.abort()
      // Who started processes has ended them by then; work that cannot be asked to stop is left where it is.
      setTimeout(() => process.exit(EXIT_CODES.interrupted), killMs).unref()
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  return [first.signal, second.signal]
}
