/**
 * One backup in a process of its own, so that copying gigabytes holds up nobody: backup-main.ts <JSON>.
 * Prints {"id", "duration_ms"} or {"code", "message"}; exit code 0 or that of the failure.
 */
import { randomBytes } from 'node:crypto'
import { setPriority } from 'node:os'
import packageFile from '../../package.json' with { type: 'json' }
import { OPS_EXIT, OpsError } from '../ops-error.ts'
import { BackupError } from './backup-error.ts'
import { backupSettings } from './backup-settings.ts'
import { createBackup } from './create-backup.ts'
import { realFileSystem } from './file-system.ts'
import type { BackupManifest } from './manifest.ts'

interface BackupArguments {
  readonly home: string
  readonly reason: BackupManifest['reason']
}

/** Whoever answers a caller goes first: a backup has hours. */
const NICE = 19

setPriority(NICE)
const { home, reason } = JSON.parse(process.argv[2] ?? '{}') as BackupArguments
try {
  const { folder, secondFolder, retention } = backupSettings(home)
  const made = await createBackup({
    home,
    to: folder,
    ...(secondFolder === undefined ? {} : { secondFolder }),
    retention,
    reason,
    version: packageFile.version,
    files: realFileSystem,
    nowMs: () => Date.now(),
    random: randomBytes,
  })
  process.stdout.write(`${JSON.stringify({ id: made.id, duration_ms: made.durationMs })}\n`)
} catch (error) {
  const code = error instanceof BackupError ? error.code : 'INTERNAL_ERROR'
  const message = error instanceof Error ? error.message : String(error)
  process.stdout.write(`${JSON.stringify({ code, message })}\n`)
  process.exitCode = error instanceof OpsError ? error.exitCode : OPS_EXIT.internal
}
