import { join } from 'node:path'
import { runProgram } from './run-script.ts'

export interface BackupEnd {
  readonly exitCode: number | null
  /** The id of the backup, or null. */
  readonly id: string | null
  /** The code of the failure, or null. */
  readonly code: string | null
  readonly seconds: number
}

export interface BackupProcessOptions {
  readonly repository: string
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** A folder over which a file system of this many bytes is laid, visible to this process alone. */
  readonly smallDisk?: { readonly folder: string; readonly bytes: number }
}

/** The backup as the schedule runs it: a process of its own. */
export async function runBackupProcess(options: BackupProcessOptions): Promise<BackupEnd> {
  const main = join(options.repository, 'ops', 'backup', 'backup-main.ts')
  const command = [process.execPath, main, JSON.stringify({ home: options.home, reason: 'drill' })]
  const startedAtMs = performance.now()
  const { exitCode, text } = await runProgram(
    options.smallDisk === undefined ? command : onSmallDisk(options.smallDisk, command),
    options.env,
  )
  const { id = null, code = null } = parsed(text)
  return { exitCode, id, code, seconds: (performance.now() - startedAtMs) / 1000 }
}

/** A disk that is really full: a tmpfs of the given size, in a mount namespace of its own. */
function onSmallDisk(
  { folder, bytes }: { readonly folder: string; readonly bytes: number },
  command: readonly string[],
): readonly string[] {
  const script = `mount -t tmpfs -o size=${bytes} tmpfs "$1" && shift && exec "$@"`
  return ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', folder, ...command]
}

function parsed(text: string): { readonly id?: string; readonly code?: string } {
  try {
    return JSON.parse(text) as { id?: string; code?: string }
  } catch {
    return {}
  }
}

export interface RestoreProcessOptions {
  readonly repository: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly backup: string
  /** State folder that is restored into. */
  readonly home: string
  /** Public key of the installation that made the backup. */
  readonly keyFile: string
  readonly only: readonly string[] | null
}

export interface RestoreEnd {
  readonly exitCode: number | null
  readonly seconds: number
}

/** `./sonia restore`, as a person runs it: a process of its own. */
export async function runRestoreProcess(options: RestoreProcessOptions): Promise<RestoreEnd> {
  const { repository, env, backup, home, keyFile, only } = options
  const program = [process.execPath, join(repository, 'gates', 'main.ts')]
  const parts = only === null ? [] : ['--only', only.join(',')]
  const args = ['restore', backup, '--to', home, '--key', keyFile, '--json', ...parts]
  const startedAtMs = performance.now()
  const { exitCode } = await runProgram([...program, ...args], { ...env, SONIA_HOME: home })
  return { exitCode, seconds: (performance.now() - startedAtMs) / 1000 }
}
