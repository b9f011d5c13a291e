import { closeSync, existsSync } from 'node:fs'
import type { SandboxRoot } from '../files/walk.ts'
import { bubblewrap } from './bubblewrap.ts'
import type { ContainedCommand, ContainedUser, Containment } from './contained-command.ts'
import type { ProgramShelf } from './program-identity.ts'
import { PROGRAM_LIMITS } from './program-limits.ts'
import { runContained } from './run-contained.ts'
import { unshare } from './unshare.ts'

export interface ContainmentSearch {
  readonly root: SandboxRoot
  readonly shelf: ProgramShelf
  readonly user: ContainedUser | null
  /** Folders in which bwrap, unshare, prlimit and setpriv are looked for. */
  readonly folders: readonly string[]
}

export interface ContainmentFound {
  readonly containment: Containment | null
  /** What was tried and why it did not do; empty where the first choice works. */
  readonly problems: readonly string[]
}

const TRIAL_TIMEOUT_MS = 3_000

/**
 * The best means of containment that works here, tried with a real program. A means that is installed but
 * forbidden (seccomp in containers, sysctl) fails the trial, and is not used.
 */
export async function findContainment(search: ContainmentSearch): Promise<ContainmentFound> {
  const problems: string[] = []
  for (const [name, candidate] of candidates(search)) {
    const problem = candidate === null ? 'not installed' : await tryOut(search, candidate)
    if (problem === null) return { containment: candidate, problems }
    problems.push(`${name}: ${problem}`)
  }
  return { containment: null, problems }
}

const MOUNT_POINTS = ['/mnt', '/srv', '/media', '/opt']

function candidates({
  root,
  folders,
  user,
}: ContainmentSearch): readonly (readonly [string, Containment | null])[] {
  const find = (name: string) => folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path))
  const [bwrap, unsharePath, prlimit, setpriv, sh] = ['bwrap', 'unshare', 'prlimit', 'setpriv', 'sh'].map(
    find,
  )
  const mountPoint = MOUNT_POINTS.find((path) => existsSync(path) && !root.path.startsWith(`${path}/`))
  if (prlimit === undefined || setpriv === undefined) return [['prlimit and setpriv', null]]
  return [
    ['bubblewrap', bwrap === undefined ? null : bubblewrap({ bwrap, prlimit, setpriv }, user)],
    [
      'unshare',
      unsharePath === undefined || sh === undefined || mountPoint === undefined
        ? null
        : unshare({ unshare: unsharePath, sh, prlimit, setpriv, mountPoint }, user),
    ],
  ]
}

/** Null if a program runs inside it, sees the sandbox as its working folder and ends well. */
async function tryOut({ root, shelf }: ContainmentSearch, containment: Containment): Promise<string | null> {
  const program = shelf.open('pwd')
  try {
    const command: ContainedCommand = {
      argv: [program.identity.path],
      programFd: program.fd,
      rootFd: root.fd,
      folder: [],
      limits: PROGRAM_LIMITS,
      cpuSecondsMax: 2,
    }
    const bounds = { timeoutMs: TRIAL_TIMEOUT_MS, signal: new AbortController().signal }
    const run = await runContained(containment, command, bounds)
    if (run.end === 'exited' && run.exitCode === 0 && run.stdout === '/sandbox\n') return null
    return run.stderr.trim().slice(0, 200) || `trial ended with ${run.end} ${run.exitCode ?? ''}`
  } finally {
    closeSync(program.fd)
  }
}
