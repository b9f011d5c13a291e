import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type ProcessIdentity, readIdentity } from './process/identity.ts'
import type { StateHome } from './state-home.ts'
import { writeWhole } from './write-whole.ts'

export type RecordRole = 'stack' | 'watch'

/** Who was started for a run; by this file a later command finds them again. */
export interface ProcessRecords {
  readonly role: RecordRole
  readonly marker: string
  readonly run_id: string
  /** Who supervises them; when it is gone, they are leftovers. */
  readonly owner: ProcessIdentity
  readonly processes: readonly ProcessRecord[]
}

export interface ProcessRecord extends ProcessIdentity {
  readonly name: string
  readonly port: number | null
}

/** Written by the supervising process itself, which becomes their owner. */
export function writeProcessRecords(folders: StateHome, records: Omit<ProcessRecords, 'owner'>): void {
  const { role, marker, run_id, processes } = records
  const owner = readIdentity(process.pid)
  writeWhole(
    recordsFile(folders, role),
    `${JSON.stringify({ role, marker, run_id, owner, processes }, null, 2)}\n`,
    0o600,
  )
}

/** undefined when nothing was recorded, or the file was cut short by a crash of the machine. */
export function readProcessRecords(folders: StateHome, role: RecordRole): ProcessRecords | undefined {
  const path = recordsFile(folders, role)
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessRecords
  } catch {
    return undefined
  }
}

export function removeProcessRecords(folders: StateHome, role: RecordRole): void {
  rmSync(recordsFile(folders, role), { force: true })
}

function recordsFile(folders: StateHome, role: RecordRole): string {
  return join(folders.run, `processes-${role}.json`)
}
