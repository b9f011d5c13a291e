import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditHead } from './audit-log.ts'

const FILE_NAME = 'audit-head.json'

/** The head as it was last written beside the database: a shorter or other chain at the next start is a loss. */
export function readHeadFile(folder: string): AuditHead | undefined {
  try {
    const { seq, sha256 } = JSON.parse(readFileSync(join(folder, FILE_NAME), 'utf8')) as Partial<AuditHead>
    return Number.isInteger(seq) && typeof sha256 === 'string' ? { seq: seq as number, sha256 } : undefined
  } catch {
    return undefined
  }
}

/** Whole or not at all; a failure is the caller's to log, since the chain itself is safe. */
export function writeHeadFile(folder: string, head: AuditHead): void {
  const path = join(folder, FILE_NAME)
  const file = openSync(`${path}.tmp`, 'w', 0o600)
  try {
    writeSync(file, `${JSON.stringify({ seq: head.seq, sha256: head.sha256 })}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${path}.tmp`, path)
}
