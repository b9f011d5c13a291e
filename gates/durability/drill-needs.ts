import { join } from 'node:path'
import type { Stack } from '#ops/stack.ts'
import type { Part } from '#ops/backup/state-files.ts'
import type { GateContext } from '../runners/gate-context.ts'
import { type RestoreEnd, runRestoreProcess } from './backup-process.ts'
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
  'ledger',
  'approval-kill',
  'approval-ledger',
  'session-kill',
  'restarts',
  'image',
  'control',
  'damage',
  'mistake-policies',
  'mistake-configuration',
  'full-disk',
  'second-disk',
  'complete',
] as const
export type DurabilityCheck = (typeof DURABILITY_CHECKS)[number]

/** What is killed: anything that supervises processes by these names. */
export type Killable = Pick<Stack, 'kill' | 'processes'>

export type KillContext = Pick<GateContext, 'home' | 'host' | 'portBase' | 'progress' | 'signal'>

/** What the SIGKILL loop of memory-engine works with. */
export interface KillNeeds {
  readonly context: KillContext
  /** SIGKILLs of memory-engine. */
  readonly kills: number
  /** Ends the loop before that, for long forms with a limit of time. */
  readonly isOver?: () => boolean
  readonly count: (check: DurabilityCheck, isHeld: boolean, said?: string) => void
  /** A figure for the record that nothing is judged by. */
  readonly note: (figures: Readonly<Record<string, string | number | null>>) => void
}

export interface DrillNeeds extends KillNeeds {
  readonly context: GateContext
  /** SIGKILLs of eva-os, and as many of pipecat. */
  readonly stateKills: number
  readonly images: number
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
export function loadOn({ context }: Pick<KillNeeds, 'context'>, home: string, mark: string): WriteLoad {
  return startWriteLoad({
    address: { home, portBase: context.portBase },
    writers: WRITERS,
    mark,
    nowMs: () => context.host.clock.nowMs(),
    signal: context.signal,
  })
}

export interface RestoreInto {
  readonly original: Original
  readonly home: string
  readonly only: readonly Part[] | null
}

/** The drill's backup into another state folder; where it is refused, the process has said why. */
export function restoreInto(
  { context }: DrillNeeds,
  { original, home, only }: RestoreInto,
): Promise<RestoreEnd> {
  const { repository, env } = context.host
  const keyFile = join(original.home, 'config', 'backup.pub')
  return runRestoreProcess({ repository, env, backup: original.backup, home, keyFile, only })
}
