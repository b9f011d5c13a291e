import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { BackupFaultCode } from '#ops/backup/backup-error.ts'

/** One way in which a backup goes bad, and the code by which it must be refused. */
export interface Damage {
  readonly what: string
  readonly code: BackupFaultCode
  readonly spoil: (backup: string) => void
}

const DATABASE = 'files/data/memory/sonia.db'
const CONFIGURATION = 'files/config/sonia.json'

export const DAMAGES: readonly Damage[] = [
  {
    what: 'one bit of the database',
    code: 'FILE_CHANGED',
    spoil: (backup) => flipBit(join(backup, DATABASE)),
  },
  {
    what: 'the end of the database',
    code: 'FILE_TRUNCATED',
    spoil: (backup) => truncateSync(join(backup, DATABASE), 4096),
  },
  {
    what: 'a byte more',
    code: 'FILE_TRUNCATED',
    spoil: (backup) => appendFileSync(join(backup, DATABASE), 'x'),
  },
  { what: 'the database is gone', code: 'FILE_MISSING', spoil: (backup) => rmSync(join(backup, DATABASE)) },
  {
    what: 'a file more',
    code: 'FILE_EXTRA',
    spoil: (backup) => writeFileSync(join(backup, 'files', 'more'), ''),
  },
  { what: 'two files swapped', code: 'FILE_TRUNCATED', spoil: swapTwo },
  { what: 'a link in place of a file', code: 'LINK_REFUSED', spoil: linkInPlace },
  {
    what: 'the manifest edited',
    code: 'SIGNATURE_WRONG',
    spoil: (backup) => appendFileSync(join(backup, 'MANIFEST.json'), ' '),
  },
  {
    what: 'the manifest is gone',
    code: 'MANIFEST_MISSING',
    spoil: (backup) => rmSync(join(backup, 'MANIFEST.json')),
  },
  {
    what: 'the signature is gone',
    code: 'SIGNATURE_MISSING',
    spoil: (backup) => rmSync(join(backup, 'MANIFEST.sig')),
  },
]

/** A copy of the backup with one damage; under its own name, since the name is part of what is checked. */
export function damagedCopy(backup: string, id: string, folder: string, { spoil }: Damage): string {
  const copy = join(folder, id)
  rmSync(copy, { recursive: true, force: true })
  cpSync(backup, copy, { recursive: true })
  spoil(copy)
  return copy
}

function flipBit(path: string): void {
  const bytes = readFileSync(path)
  const at = Math.floor(bytes.length / 2)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
}

function swapTwo(backup: string): void {
  const policies = join(backup, 'files', 'config', 'policies')
  const policy = join(policies, readdirSync(policies)[0] ?? '')
  const configuration = join(backup, CONFIGURATION)
  renameSync(policy, `${policy}.swap`)
  renameSync(configuration, policy)
  renameSync(`${policy}.swap`, configuration)
}

function linkInPlace(backup: string): void {
  rmSync(join(backup, CONFIGURATION))
  symlinkSync('/etc/hostname', join(backup, CONFIGURATION))
}
