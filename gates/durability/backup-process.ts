import { spawn } from 'node:child_process'
import { join } from 'node:path'

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
  const [program = '', ...args] =
    options.smallDisk === undefined ? command : onSmallDisk(options.smallDisk, command)
  const startedAtMs = performance.now()
  const child = spawn(program, args, { env: { ...options.env }, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  const exitCode = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('close', resolve)
  })
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
