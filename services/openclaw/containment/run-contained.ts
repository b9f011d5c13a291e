import { type ChildProcess, spawn } from 'node:child_process'
import { ServiceError } from '#chassis/errors.ts'
import { CONTAINED_ENVIRONMENT, type ContainedCommand, type Containment } from './contained-command.ts'
import { killGroup } from './kill-group.ts'
import { commandLines } from './spares.ts'

export type RunEnd = 'exited' | 'signal' | 'timeout' | 'output_limit' | 'cancelled'

export interface ContainedRun {
  readonly end: RunEnd
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  readonly truncated: boolean
}

export interface RunBounds {
  readonly timeoutMs: number
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** Time between the kill of the group and giving up on its pipes. */
const CLOSE_GRACE_MS = 500

/** Runs a command inside the containment and kills everything it started, however it ends. */
export function runContained(
  containment: Containment,
  command: ContainedCommand,
  bounds: RunBounds,
): Promise<ContainedRun> {
  const plan = containment.plan(command)
  const child = spawn(plan.file, plan.args, {
    env: CONTAINED_ENVIRONMENT,
    cwd: '/',
    // A session and process group of its own: one kill reaches all of it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', ...plan.descriptors],
  })
  return watch(child, command.limits.outputBytesMax, bounds)
}

/** The same in a process that was prepared ahead. */
export function runInSpare(
  spare: ChildProcess,
  command: { readonly folder: string; readonly argv: readonly string[]; readonly outputBytesMax: number },
  bounds: RunBounds,
): Promise<ContainedRun> {
  const run = watch(spare, command.outputBytesMax, bounds)
  spare.stdin?.end(commandLines(command.folder, command.argv))
  return run
}

function watch(child: ChildProcess, outputBytesMax: number, bounds: RunBounds): Promise<ContainedRun> {
  const { promise, resolve, reject } = Promise.withResolvers<ContainedRun>()
  let end: RunEnd | null = null
  let grace: NodeJS.Timeout | undefined
  const stop = (why: RunEnd) => {
    end ??= why
    killGroup(child)
    grace ??= setTimeout(() => {
      child.stdout?.destroy()
      child.stderr?.destroy()
    }, CLOSE_GRACE_MS)
  }
  const onTimeout = setTimeout(() => stop('timeout'), bounds.timeoutMs)
  const onAbort = () => stop('cancelled')
  const output = collectOutput(child, outputBytesMax, () => stop('output_limit'))
  bounds.signal.addEventListener('abort', onAbort, { once: true })
  if (bounds.signal.aborted) onAbort()
  // The program is gone; what it left behind in its group goes too.
  child.once('exit', () => killGroup(child))
  child.once('error', (cause) => {
    reject(new ServiceError('UNAVAILABLE', 'The program could not be started.', { cause }))
  })
  child.once('close', (exitCode, signal) => {
    resolve({ end: end ?? (signal === null ? 'exited' : 'signal'), exitCode, ...output() })
  })
  return promise.finally(() => {
    clearTimeout(onTimeout)
    clearTimeout(grace)
    bounds.signal.removeEventListener('abort', onAbort)
  })
}

/** Collects both streams up to one common limit; past it nothing more is kept and `onFull` is told. */
function collectOutput(child: ChildProcess, bytesMax: number, onFull: () => void) {
  const kept = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  let bytes = 0
  let truncated = false
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      const room = bytesMax - bytes
      bytes += chunk.length
      if (room > 0) kept[name].push(chunk.subarray(0, room))
      if (bytes <= bytesMax || truncated) return
      truncated = true
      onFull()
    })
  }
  return () => ({
    stdout: Buffer.concat(kept.stdout).toString(),
    stderr: Buffer.concat(kept.stderr).toString(),
    truncated,
  })
}
