import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { OpsExitCode } from './ops-error.ts'
import { isAlive, type ProcessIdentity } from './process/identity.ts'
import type { StateHome } from './state-home.ts'
import { writeWhole } from './write-whole.ts'

export type SupervisorState = 'starting' | 'ready' | 'stopping' | 'failed'

/** What the supervisor of `./sonia up` says about itself to later commands. */
export interface SupervisorRecord {
  readonly identity: ProcessIdentity
  readonly run_id: string
  readonly port_base: number
  readonly state: SupervisorState
  /** ISO time. */
  readonly started_at: string
  readonly start_ready_ms: number | null
  readonly failure: {
    readonly message: string
    readonly hint: string
    readonly exit_code: OpsExitCode
  } | null
}

export function writeSupervisorRecord(folders: StateHome, record: SupervisorRecord): void {
  writeWhole(recordFile(folders), `${JSON.stringify(record, null, 2)}\n`, 0o600)
}

export function readSupervisorRecord(folders: StateHome): SupervisorRecord | undefined {
  const path = recordFile(folders)
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as SupervisorRecord
  } catch {
    return undefined
  }
}

/** The record of a supervisor that runs now; one left by a crash or by an earlier boot does not count. */
export function runningSupervisor(folders: StateHome): SupervisorRecord | undefined {
  const record = readSupervisorRecord(folders)
  return record !== undefined && isAlive(record.identity) ? record : undefined
}

export function removeSupervisorRecord(folders: StateHome): void {
  rmSync(recordFile(folders), { force: true })
}

function recordFile(folders: StateHome): string {
  return join(folders.run, 'supervisor.json')
}
