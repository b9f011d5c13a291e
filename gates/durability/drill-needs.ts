import { realFileSystem } from '#ops/backup/file-system.ts'
import { type Restored, restoreBackup } from '#ops/backup/restore-backup.ts'
import type { Trust } from '#ops/backup/signing.ts'
import type { Part } from '#ops/backup/state-files.ts'
import type { GateContext } from '../runners/gate-context.ts'
import { type AcknowledgedWrite, startWriteLoad, type WriteLoad } from './write-load.ts'

export const DURABILITY_CHECKS = [
  'start',
  'backup',
  'restore',
  'restored-start',
  'health',
  'row',
  'search',
  'kill',
  'image',
  'control',
  'damage',
  'mistake',
  'full-disk',
  'second-disk',
  'complete',
] as const
export type DurabilityCheck = (typeof DURABILITY_CHECKS)[number]

export interface DrillNeeds {
  readonly context: GateContext
  readonly kills: number
  readonly images: number
  readonly count: (check: DurabilityCheck, isHeld: boolean, said?: string) => void
  readonly time: (check: DurabilityCheck, seconds: number) => void
}

const WRITERS = 4

/** The stack that is written to, backed up and killed. */
export interface Original {
  readonly home: string
  readonly backup: string
  /** Acknowledged before the backup began: these must come back. */
  readonly promised: readonly AcknowledgedWrite[]
}

/** Writers on a stack; `mark` tells their memories from others. */
export function loadOn({ context }: DrillNeeds, home: string, mark: string): WriteLoad {
  return startWriteLoad({
    address: { home, portBase: context.portBase },
    writers: WRITERS,
    mark,
    nowMs: () => context.host.clock.nowMs(),
    signal: context.signal,
  })
}

export interface RestoreInto {
  readonly backup: string
  readonly home: string
  readonly trust: Trust
  readonly only: readonly Part[] | null
}

/** Null where the restore was refused, which the progress then says. */
export function tryRestore(
  { context }: DrillNeeds,
  { backup, home, trust, only }: RestoreInto,
): Restored | null {
  const nowMs = () => context.host.clock.nowMs()
  try {
    return restoreBackup({ backup, to: home, trust, only, isDryRun: false, files: realFileSystem, nowMs })
  } catch (error) {
    context.progress.say(`durability: ${error instanceof Error ? error.message : String(error)}`)
    return null
  }
}
