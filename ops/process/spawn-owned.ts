import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { OPS_EXIT, OpsError } from '../ops-error.ts'
import { type ProcessIdentity, readIdentity } from './identity.ts'

export interface SpawnOptions {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Receives standard output and standard error, appended. */
  readonly outputFile: string
}

export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A child in a session of its own, so that a terminal's Ctrl-C never reaches it by accident. */
export interface OwnedProcess {
  readonly name: string
  readonly identity: ProcessIdentity
  /** Settles once the child has ended and was reaped. */
  readonly exited: Promise<ProcessExit>
  readonly exit: () => ProcessExit | undefined
}

export async function spawnOwned(options: SpawnOptions): Promise<OwnedProcess> {
  mkdirSync(dirname(options.outputFile), { recursive: true, mode: 0o700 })
  const output = openSync(options.outputFile, 'a', 0o600)
  try {
    const child = spawn(options.command, [...options.args], {
      cwd: options.cwd,
      detached: true,
      env: options.env,
      stdio: ['ignore', output, output],
    })
    return await ownedProcess(options, child)
  } finally {
    closeSync(output)
  }
}

async function ownedProcess(options: SpawnOptions, child: ChildProcess): Promise<OwnedProcess> {
  let exit: ProcessExit | undefined
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => {
      exit = { code, signal }
      resolve(exit)
    })
  })
  const started = Promise.withResolvers<void>()
  child.once('spawn', started.resolve)
  child.once('error', started.reject)
  await started.promise.catch((cause: unknown) => {
    throw new OpsError(OPS_EXIT.unavailable, `${options.name} cannot be started: ${options.command}`, {
      hint: './sonia tools lists the native components and builds the missing ones',
      cause,
    })
  })
  const pid = child.pid ?? 0
  const argv = [options.command, ...options.args]
  const identity = readIdentity(pid) ?? { pid, start_ticks: 0, boot_id: '', argv }
  return { name: options.name, identity: { ...identity, argv }, exited, exit: () => exit }
}
