import { createHash } from 'node:crypto'
import { chownSync, mkdirSync, statSync } from 'node:fs'
import type { Health } from '#chassis/health.ts'
import { PROGRAM_RULES } from './command/programs.ts'
import type { ContainedUser, Containment } from './containment/contained-command.ts'
import { findContainment } from './containment/find-containment.ts'
import { closeInheritedDescriptors } from './containment/inherited-descriptors.ts'
import { programShelf } from './containment/program-identity.ts'
import { PROGRAM_LIMITS, type ProgramLimits } from './containment/program-limits.ts'
import { createSpares } from './containment/spares.ts'
import type { FilesInUse } from './files/files-in-use.ts'
import { type SandboxRoot, closeRoot, openRoot } from './files/walk.ts'
import { isSandboxMisplaced } from './sandbox-place.ts'
import type { ShellSettings } from './toolbox/shell-run.ts'

export interface SandboxSettings {
  readonly path: string
  /** Folders of configuration, state and logs, with which the sandbox must have nothing to do. */
  readonly ownFolders: readonly string[]
  readonly config: {
    readonly enabled: boolean
    readonly memory_bytes_max: number
    readonly processes_max: number
    readonly output_bytes_max: number
  }
  readonly health: Health
  readonly inUse: FilesInUse
}

export interface Sandbox {
  /** Null where the file tools cannot be used safely. */
  readonly root: SandboxRoot | null
  /** Who contained programs run as, where the service is root. */
  readonly owner: ContainedUser | null
  /** What shell.run needs, or why it cannot be used. */
  readonly shell: ShellSettings | string
  /** Means of containment that were tried and do not work here. */
  readonly problems: readonly string[]
  /** The containment that works here. */
  readonly containment: Containment['kind'] | null
  readonly close: () => Promise<void> | void
}

const PROGRAM_FOLDER = '/usr/bin'
const TOOL_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin']
/** Users that systemd, too, gives to services without an account. */
const DYNAMIC_USERS = { first: 61_184, count: 4_336 }
const ROOT_USER = 0
/** The longest time limit of a call, and a second. */
const CPU_SECONDS_MAX = 26
const SPARES = 2

/** Opens the sandbox and finds a containment; what should work and does not marks the service DEGRADED. */
export async function prepareSandbox(settings: SandboxSettings): Promise<Sandbox> {
  const { path, ownFolders, config, health, inUse } = settings
  mkdirSync(path, { recursive: true, mode: 0o755 })
  if (isSandboxMisplaced(path, ownFolders))
    return withoutRoot(health, "the sandbox must not hold the system's own folders, or lie in one", null)
  const owner = containedUser(path)
  const root = tryOpenRoot(path)
  if (root === null) return withoutRoot(health, 'there is no usable /proc or sandbox', owner)
  closeInheritedDescriptors()
  const close = () => closeRoot(root)
  const shelf = programShelf({ path: PROGRAM_FOLDER, owners: [ROOT_USER] })
  const { containment, problems } = await findContainment({ root, shelf, user: owner, folders: TOOL_FOLDERS })
  const found = { root, owner, problems, containment: containment?.kind ?? null, close }
  if (!config.enabled) return { ...found, shell: 'shell.run is disabled by configuration' }
  if (containment === null) {
    const tried = problems.join('; ')
    health.degrade(
      'containment',
      `shell.run is disabled: neither bubblewrap nor unshare works here (${tried})`,
    )
    return { ...found, shell: 'shell.run is disabled: no containment works on this machine' }
  }
  const limits = limitsOf(config)
  const spares = createSpares({
    containment,
    rootFd: root.fd,
    limits,
    shelf,
    programs: PROGRAM_RULES.map(({ name }) => name),
    cpuSecondsMax: CPU_SECONDS_MAX,
    count: SPARES,
  })
  spares?.fill()
  const closeAll = async () => {
    await spares?.close()
    close()
  }
  return { ...found, close: closeAll, shell: { root, shelf, containment, limits, spares, inUse } }
}

function withoutRoot(health: Health, why: string, owner: ContainedUser | null): Sandbox {
  health.degrade('files', `file.read, file.write and shell.run are disabled: ${why}`)
  const shell = `shell.run is disabled: ${why}`
  return { root: null, owner, shell, problems: [], containment: null, close: () => undefined }
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

/**
 * Programs never run as root: as the sandbox's own user where it has one, else as a user of this sandbox alone, who then
 * gets the folder. Not nobody: process limits count per user, and nobody's processes are everybody's.
 * Where root may not give the folder away (a container that maps one user only) it is no real root: a namespace will do.
 */
function containedUser(path: string): ContainedUser | null {
  if (process.getuid?.() !== ROOT_USER) return null
  const { uid, gid } = statSync(path)
  if (uid !== ROOT_USER) return { uid, gid }
  const id = userOf(path)
  try {
    chownSync(path, id, id)
    return { uid: id, gid: id }
  } catch {
    return null
  }
}

/** Even, so that the next one is free for the browser. */
function userOf(path: string): number {
  const digest = createHash('sha256').update(path).digest().readUInt32BE()
  return DYNAMIC_USERS.first + 2 * (digest % (DYNAMIC_USERS.count / 2))
}

/** The browser is a user of its own: its many threads must not count against the programs. */
export function browserUser(owner: ContainedUser | null): ContainedUser | null {
  return owner === null ? null : { uid: owner.uid + 1, gid: owner.gid + 1 }
}
