import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { CALLER_NAMES } from '#catalog'
import { makeFolder } from './make-folder.ts'
import { OPS_EXIT, OpsError, systemErrorCode } from './ops-error.ts'
import { readPlainFile } from './read-plain-file.ts'
import { writeWhole } from './write-whole.ts'

/** Folders of one installation's state; nothing is written outside them but evidence bundles. */
export interface StateHome {
  readonly home: string
  readonly config: string
  readonly data: string
  readonly logs: string
  readonly run: string
  readonly backups: string
  readonly sandbox: string
}

export interface PrepareOptions {
  readonly home: string
  readonly repo: string
  /** Bytes that must be free before anything starts. */
  readonly minFreeBytes?: number
}

const MIN_FREE_BYTES = 128 * 1_024 * 1_024
const SECRET_BYTES = 32

export function stateHome(home: string): StateHome {
  const root = resolve(home)
  const [config, data, logs, run] = ['config', 'data', 'logs', 'run'].map((name) => join(root, name)) as [
    string,
    string,
    string,
    string,
  ]
  return {
    home: root,
    config,
    data,
    logs,
    run,
    backups: join(root, 'backups'),
    sandbox: join(root, 'sandbox'),
  }
}

/** Makes the folders, copies missing configuration defaults, creates the operator's key once. Safe to repeat. */
export function prepareHome(options: PrepareOptions): StateHome {
  const folders = stateHome(options.home)
  explained(folders.home, () => {
    for (const folder of Object.values(folders)) makeFolder(folder)
    chmodSync(folders.home, 0o700)
    for (const folder of Object.values(folders))
      accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  })
  refuseFullDisk(folders.home, options.minFreeBytes ?? MIN_FREE_BYTES)
  explained(folders.config, () => copyDefaults(join(options.repo, 'config'), folders.config))
  explained(folders.config, () => createOperatorKey(join(folders.config, 'operator.key')))
  readConfiguration(folders)
  return folders
}

/** One secret per caller and run, by which a service, or the supervisor, asks eva-os for its first token. */
export function writeBootstrapSecrets(folders: StateHome): void {
  explained(folders.run, () => {
    const folder = join(folders.run, 'secrets')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    for (const caller of CALLER_NAMES) writeWhole(join(folder, caller), newSecret(), 0o600)
  })
}

export function temporaryFolder({ run }: Pick<StateHome, 'run'>): string {
  return join(run, 'tmp')
}

/** An empty folder for what this run's services put down for a while; whatever an earlier run left is removed. */
export function emptyTemporaryFolder(folders: StateHome): void {
  const folder = temporaryFolder(folders)
  explained(folder, () => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { mode: 0o700 })
  })
}

/** config/sonia.json as an object; {} when there is none. Its schema is each service's business. */
export function readConfiguration(folders: StateHome): Readonly<Record<string, unknown>> {
  const path = join(folders.config, 'sonia.json')
  if (!existsSync(path)) return {}
  const parsed = badInput(path, () => JSON.parse(readPlainFile(path).toString('utf8')) as unknown)
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
    return parsed as Record<string, unknown>
  throw new OpsError(OPS_EXIT.badInput, `${path} is not a JSON object`, {
    hint: 'compare it with config/sonia.json of the repository',
  })
}

function badInput<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof OpsError) throw cause
    const reason = systemErrorCode(cause) ?? (cause instanceof Error ? cause.message : 'not readable')
    throw new OpsError(OPS_EXIT.badInput, `${path} cannot be read: ${reason}`, {
      hint: 'mend the file or its rights; removing it brings the default back at the next start',
      cause,
    })
  }
}

function copyDefaults(from: string, to: string): void {
  if (!existsSync(from)) return
  for (const entry of readdirSync(from, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const source = join(entry.parentPath, entry.name)
    const target = join(to, relative(from, source))
    if (existsSync(target)) continue
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
    writeWhole(target, readFileSync(source), 0o600)
  }
}

function createOperatorKey(path: string): void {
  if (!existsSync(path)) writeWhole(path, newSecret(), 0o600)
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

function refuseFullDisk(home: string, minFreeBytes: number): void {
  const disk = statfsSync(home)
  const free = disk.bavail * disk.bsize
  if (free >= minFreeBytes) return
  const mib = (bytes: number) => `${Math.floor(bytes / 1_024 / 1_024)} MiB`
  throw new OpsError(
    OPS_EXIT.unavailable,
    `disk full: ${mib(free)} free at ${home}, ${mib(minFreeBytes)} needed`,
    {
      hint: 'make room, or set SONIA_HOME to a folder on another disk',
    },
  )
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'no permission to write',
  EPERM: 'no permission to write',
  EROFS: 'the file system is read-only',
  ENOENT: 'no folder can be made there',
  ENOTDIR: 'a file stands where a folder is needed',
  EEXIST: 'a file stands where a folder is needed',
  ENOSPC: 'disk full',
  EDQUOT: 'disk quota exhausted',
}

function explained<T>(path: string, write: () => T): T {
  try {
    return write()
  } catch (cause) {
    const reason = REASONS[systemErrorCode(cause) ?? '']
    if (reason === undefined) throw cause
    throw new OpsError(OPS_EXIT.unavailable, `state folder ${path} cannot be used: ${reason}`, {
      hint: 'give this user read and write rights and room there, or set SONIA_HOME to another folder',
      cause,
    })
  }
}
