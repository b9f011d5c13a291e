import { randomBytes } from 'node:crypto'
import packageFile from '../../package.json' with { type: 'json' }
import { BackupError } from './backup-error.ts'
import { backupSettings } from './backup-settings.ts'
import { createBackup } from './create-backup.ts'
import { type FileSystem, realFileSystem } from './file-system.ts'
import { schemasOf } from './schema-versions.ts'
import { finishPendingSwap } from './swap-journal.ts'

export interface BeforeStart {
  readonly home: string
  readonly nowMs: () => number
  /** One line for a person about what is being done. */
  readonly say: (line: string) => void
  readonly files?: FileSystem
}

/**
 * Before any service opens the state: an interrupted restore is finished, a state of a newer version is refused, and
 * one of an older version is backed up, because the services will migrate it and older programs cannot read it then.
 * Throws `BackupError`; nothing starts on a state that could not be backed up.
 */
export async function readyState({ home, nowMs, say, files = realFileSystem }: BeforeStart): Promise<void> {
  const finished = finishPendingSwap(home, files)
  if (finished !== null) say(`finished the interrupted restore of ${finished}`)
  const schemas = schemasOf(home, files)
  const newer = schemas.find(({ found, known }) => found > known)
  if (newer !== undefined) {
    throw new BackupError(
      'STATE_NEWER',
      `${newer.path} has schema ${newer.found}, this version knows ${newer.known}`,
      { hint: 'start the version that wrote it, or restore the backup from before its migration' },
    )
  }
  const older = schemas.filter(({ found, known }) => found < known)
  if (older.length === 0) return
  say(`backing up before ${older.map(({ path }) => path).join(' and ')} is migrated`)
  const { folder, secondFolder } = backupSettings(home)
  const { id } = await createBackup({
    home,
    to: folder,
    ...(secondFolder === undefined ? {} : { secondFolder }),
    reason: 'before-migration',
    version: packageFile.version,
    files,
    nowMs,
    random: randomBytes,
  })
  say(`made and verified ${id}; to go back: the older version, and ./sonia restore ${id}`)
}
