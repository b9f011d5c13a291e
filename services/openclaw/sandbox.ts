import { chownSync, mkdirSync, statSync } from 'node:fs'
import type { Health } from '#chassis/health.ts'
import type { ContainedUser } from './containment/contained-command.ts'
import { findContainment } from './containment/find-containment.ts'
import { programShelf } from './containment/program-identity.ts'
import { PROGRAM_LIMITS, type ProgramLimits } from './containment/program-limits.ts'
import { type SandboxRoot, closeRoot, openRoot } from './files/walk.ts'
import type { ShellSettings } from './toolbox/shell-run.ts'

export interface SandboxSettings {
  readonly path: string
  readonly config: {
    readonly enabled: boolean
    readonly memory_bytes_max: number
    readonly processes_max: number
    readonly output_bytes_max: number
  }
  readonly health: Health
}

export interface Sandbox {
  /** Null where the file tools cannot be used safely. */
  readonly root: SandboxRoot | null
  /** Who contained programs run as, where the service is root. */
  readonly owner: ContainedUser | null
  /** What shell.run needs, or why it cannot be used. */
  readonly shell: ShellSettings | string
  readonly close: () => void
}

const PROGRAM_FOLDER = '/usr/bin'
const TOOL_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']
const NOBODY: ContainedUser = { uid: 65_534, gid: 65_534 }
const ROOT_USER = 0

/** Opens the sandbox and finds a containment; what should work and does not marks the service DEGRADED. */
export async function prepareSandbox(settings: SandboxSettings): Promise<Sandbox> {
  const { path, config, health } = settings
  mkdirSync(path, { recursive: true, mode: 0o755 })
  const owner = containedUser(path)
  const root = tryOpenRoot(path)
  if (root === null) {
    health.degrade(
      'files',
      'file.read, file.write and shell.run are disabled: there is no usable /proc or sandbox',
    )
    return {
      root,
      owner,
      shell: 'shell.run is disabled: there is no usable /proc or sandbox',
      close: () => undefined,
    }
  }
  const close = () => closeRoot(root)
  if (!config.enabled) return { root, owner, shell: 'shell.run is disabled by configuration', close }
  const shelf = programShelf({ path: PROGRAM_FOLDER, owners: [ROOT_USER] })
  const found = await findContainment({ root, shelf, user: owner, folders: TOOL_FOLDERS })
  if (found.containment === null) {
    const message = `shell.run is disabled: neither bubblewrap nor unshare works here (${found.problems.join('; ')})`
    health.degrade('containment', message)
    return { root, owner, shell: 'shell.run is disabled: no containment works on this machine', close }
  }
  return {
    root,
    owner,
    shell: { root, shelf, containment: found.containment, limits: limitsOf(config) },
    close,
  }
}

function limitsOf(config: SandboxSettings['config']): ProgramLimits {
  return {
    ...PROGRAM_LIMITS,
    memoryBytesMax: config.memory_bytes_max,
    processesMax: config.processes_max,
    outputBytesMax: config.output_bytes_max,
  }
}

function tryOpenRoot(path: string): SandboxRoot | null {
  try {
    return openRoot(path)
  } catch {
    return null
  }
}

/** Programs never run as root: as the sandbox's own user where it has one, else as nobody, who then gets the folder. */
function containedUser(path: string): ContainedUser | null {
  if (process.getuid?.() !== ROOT_USER) return null
  const { uid, gid } = statSync(path)
  if (uid !== ROOT_USER) return { uid, gid }
  chownSync(path, NOBODY.uid, NOBODY.gid)
  return NOBODY
}
