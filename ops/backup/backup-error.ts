import { OPS_EXIT, OpsError } from '../ops-error.ts'

/** Why a backup cannot be made, trusted or restored: one code per cause, one sentence each, in one table. */
export const BACKUP_FAULTS = {
  BACKUP_NOT_FOUND: 'there is no such backup',
  BACKUP_PARTIAL: 'the backup was never finished',
  MANIFEST_MISSING: 'the backup has no manifest',
  MANIFEST_MALFORMED: 'the manifest cannot be read',
  MANIFEST_REPLAYED: 'the manifest belongs to another backup',
  SIGNATURE_MISSING: 'the manifest is not signed',
  SIGNATURE_WRONG: 'the signature does not fit the manifest',
  KEY_UNTRUSTED: 'the manifest is signed by a key that is not trusted here',
  PATH_REFUSED: 'the manifest names a path outside of the backup',
  LINK_REFUSED: 'a link or special file stands in the backup',
  FILE_MISSING: 'a file of the backup is missing',
  FILE_EXTRA: 'a file stands in the backup that the manifest does not name',
  FILE_TRUNCATED: 'a file of the backup has another size',
  FILE_CHANGED: 'a file of the backup has other content',
  DATABASE_CORRUPT: 'a database of the backup is not whole',
  FOREIGN_KEYS_BROKEN: 'rows of a database refer to rows that are not there',
  INDEX_BROKEN: 'a full-text index does not agree with its table',
  ROWS_DIFFER: 'a table holds other rows than it should',
  SCHEMA_NEWER: 'the backup comes from a newer version',
  STATE_NEWER: 'the state folder comes from a newer version',
  STATE_LINKED: 'data stand behind a link, where no backup looks',
  CONFIG_CHANGED: 'the configuration changed while it was being copied',
  NOTHING_TO_BACK_UP: 'the state folder holds nothing to back up',
  SERVICES_RUNNING: 'services hold the data',
  RESTORE_PENDING: 'an earlier restore was interrupted',
  DISK_FULL: 'the disk is full',
  IO_ERROR: 'reading or writing failed',
} as const

export type BackupFaultCode = keyof typeof BACKUP_FAULTS

/** The state of the machine, not of the backup: trying again later may help. */
const PASSING: ReadonlySet<BackupFaultCode> = new Set([
  'SERVICES_RUNNING',
  'RESTORE_PENDING',
  'DISK_FULL',
  'IO_ERROR',
])

export class BackupError extends OpsError {
  readonly code: BackupFaultCode

  constructor(
    code: BackupFaultCode,
    on: string,
    options: { readonly hint: string; readonly cause?: unknown },
  ) {
    super(
      PASSING.has(code) ? OPS_EXIT.unavailable : OPS_EXIT.badInput,
      `${code}: ${BACKUP_FAULTS[code]}: ${on}`,
      options,
    )
    this.code = code
  }
}
