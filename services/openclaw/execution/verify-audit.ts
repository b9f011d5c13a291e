import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { AUDIT_GENESIS, hashAuditLine, parseAuditLine } from './audit-log.ts'

export interface AuditVerdict {
  readonly lines: number
  /** First thing that is wrong, null if the chain holds. */
  readonly problem: string | null
}

/**
 * Checks the chain of an audit log from its first line, up to the size it has now: it may be growing. A line cut by
 * a crash is allowed where that was recorded.
 */
export async function verifyAuditLog(path: string): Promise<AuditVerdict> {
  const { size } = await stat(path)
  if (size === 0) return { lines: 0, problem: null }
  const input = createReadStream(path, { end: size - 1 })
  const reader = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  let previous = { hash: AUDIT_GENESIS, seq: 0 }
  let torn = false
  let lines = 0
  for await (const text of reader) {
    lines += 1
    const line = parseAuditLine(text)
    if (line === null) {
      if (torn) return { lines, problem: `line ${lines} is not a record` }
      torn = true
      continue
    }
    const { hash, ...body } = line
    const isNext = line.seq === previous.seq + 1 && line.prev === previous.hash
    if (!isNext || hashAuditLine(body) !== hash)
      return { lines, problem: `the chain breaks at line ${lines}` }
    if (torn && line.phase !== 'recovered') return { lines, problem: `line ${lines - 1} is not a record` }
    torn = false
    previous = line
  }
  return { lines, problem: torn ? `line ${lines} is not a record` : null }
}
