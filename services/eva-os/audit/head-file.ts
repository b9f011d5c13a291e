import { join } from 'node:path'
import { readIfThere, writeWhole } from '../store/whole-file.ts'
import type { AuditHead } from './audit-log.ts'

const FILE_NAME = 'audit-head.json'

/**
 * The head as it was last written beside the database: a shorter or other chain at the next start is a loss.
 * Undefined where none was written yet, `damaged` where it says nothing; throws where the disk does not answer, because
 * a start that cannot compare must not pretend that it did.
 */
export function readHeadFile(folder: string): AuditHead | 'damaged' | undefined {
  const text = readIfThere(join(folder, FILE_NAME))
  if (text === undefined) return undefined
  try {
    const { seq, sha256 } = JSON.parse(text) as Partial<AuditHead>
    return Number.isInteger(seq) && typeof sha256 === 'string' ? { seq: seq as number, sha256 } : 'damaged'
  } catch {
    return 'damaged'
  }
}

/** Whole or not at all; a failure is the caller's to log, since the chain itself is safe. */
export function writeHeadFile(folder: string, { seq, sha256 }: AuditHead): void {
  writeWhole(join(folder, FILE_NAME), `${JSON.stringify({ seq, sha256 })}\n`)
}
