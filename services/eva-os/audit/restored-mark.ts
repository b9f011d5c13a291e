import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const FILE_NAME = 'restored.json'

export interface RestoredMark {
  readonly backup_id: string
  readonly restored_at_ms: number
}

/** Left by a restore beside the database it put in place; taken once, so that the audit says why it is shorter. */
export function takeRestoredMark(folder: string): RestoredMark | null {
  const path = join(folder, FILE_NAME)
  try {
    const { backup_id: id, restored_at_ms: atMs } = JSON.parse(
      readFileSync(path, 'utf8'),
    ) as Partial<RestoredMark>
    rmSync(path)
    return typeof id === 'string' && typeof atMs === 'number' ? { backup_id: id, restored_at_ms: atMs } : null
  } catch {
    return null
  }
}
