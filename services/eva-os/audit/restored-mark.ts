import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { readIfThere } from '../store/whole-file.ts'

const FILE_NAME = 'restored.json'

export interface RestoredMark {
  readonly backup_id: string
  readonly restored_at_ms: number
}

/**
 * Left by a restore beside the database it put in place; used once, so that the audit says why it is shorter. It goes
 * only after it was used: a crash in between says it twice rather than never.
 */
export function useRestoredMark(folder: string, use: (mark: RestoredMark) => void): void {
  const path = join(folder, FILE_NAME)
  const text = readIfThere(path)
  if (text === undefined) return
  const mark = parse(text)
  if (mark !== null) use(mark)
  rmSync(path)
}

function parse(text: string): RestoredMark | null {
  try {
    const { backup_id: id, restored_at_ms: atMs } = JSON.parse(text) as Partial<RestoredMark>
    return typeof id === 'string' && typeof atMs === 'number' ? { backup_id: id, restored_at_ms: atMs } : null
  } catch {
    return null
  }
}
