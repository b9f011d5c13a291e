import { fileURLToPath } from 'node:url'
import { type Host, systemClock } from './host.ts'

/** A host whose output is kept and whose Ctrl-C is a function; the clock is the real one. */
export interface TestHost extends Host {
  readonly printed: { stdout: string; stderr: string }
  /** First call: Ctrl-C. Second call: Ctrl-C again. */
  readonly interrupt: () => void
}

export function hostForTest(argv: readonly string[], env: Host['env'] = {}): TestHost {
  const printed = { stdout: '', stderr: '' }
  const output = (name: keyof typeof printed) => ({
    write: (text: string) => {
      printed[name] += text
    },
    isTerminal: false,
    columns: 100,
  })
  const first = new AbortController()
  const second = new AbortController()
  const repository = fileURLToPath(new URL('..', import.meta.url))
  return {
    argv,
    env,
    cwd: repository,
    repository,
    stdout: output('stdout'),
    stderr: output('stderr'),
    clock: systemClock,
    interrupted: first.signal,
    interruptedTwice: second.signal,
    printed,
    interrupt: () => (first.signal.aborted ? second : first).abort(),
  }
}
