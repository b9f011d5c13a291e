import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StopReport } from './stack.ts'
import type { StateHome } from './state-home.ts'
import type { WatchStopReport } from './watch.ts'
import { writeWhole } from './write-whole.ts'

/** How the last stop of a supervised stack went. */
export interface StopSummary {
  readonly run_id: string
  readonly stack: StopReport | undefined
  readonly watch: WatchStopReport | undefined
}

export function writeStopSummary(folders: StateHome, summary: StopSummary): void {
  writeWhole(summaryFile(folders), `${JSON.stringify(summary, null, 2)}\n`, 0o600)
}

/** undefined when that run's stop was not written down: its supervisor was killed. */
export function readStopSummary(folders: StateHome, runId: string): StopSummary | undefined {
  const path = summaryFile(folders)
  if (!existsSync(path)) return undefined
  const summary = JSON.parse(readFileSync(path, 'utf8')) as StopSummary
  return summary.run_id === runId ? summary : undefined
}

function summaryFile(folders: StateHome): string {
  return join(folders.run, 'last-stop.json')
}
