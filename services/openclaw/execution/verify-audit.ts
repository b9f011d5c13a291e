import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { AUDIT_GENESIS, type AuditLine, hashAuditLine, parseAuditLine } from './audit-log.ts'
import { CLOSED_PARTS_MAX, closedParts } from './audit-parts.ts'

export interface AuditVerdict {
  readonly lines: number
  /** First thing that is wrong, null if the chain holds. */
  readonly problem: string | null
}

interface Position {
  /** The line that the next one has to name; null where older files are gone by design. */
  readonly previous: { readonly hash: string; readonly seq: number } | null
  readonly lines: number
  readonly problem: string | null
}

/**
 * Checks the chain of an audit log from the first line that is kept, file by file, up to the size it has now: it may be
 * growing. A line cut by a crash is allowed where that was recorded. Where as many closed files are there as are kept, the
 * chain may begin in the middle; it may nowhere have a hole.
 */
export async function verifyAuditLog(path: string, closedMax = CLOSED_PARTS_MAX): Promise<AuditVerdict> {
  const closed = await closedParts(path)
  const previous = closed.length < closedMax ? { hash: AUDIT_GENESIS, seq: 0 } : null
  let at: Position = { previous, lines: 0, problem: null }
  for (const part of [...closed, path]) {
    at = await verifyPart(part, at)
    if (at.problem !== null) break
  }
  return { lines: at.lines, problem: at.problem }
}

async function verifyPart(path: string, from: Position): Promise<Position> {
  const { size } = await stat(path)
  if (size === 0) return from
  const reader = createInterface({
    input: createReadStream(path, { end: size - 1 }),
    crlfDelay: Number.POSITIVE_INFINITY,
  })
  let { previous, lines } = from
  let torn = false
  const broken = (problem: string): Position => ({ previous, lines, problem })
  for await (const text of reader) {
    lines += 1
    const line = parseAuditLine(text)
    if (line === null) {
      if (torn) return broken(`line ${lines} is not a record`)
      torn = true
      continue
    }
    if (!isNext(line, previous)) return broken(`the chain breaks at line ${lines}`)
    if (torn && line.phase !== 'recovered') return broken(`line ${lines - 1} is not a record`)
    torn = false
    previous = line
  }
  return { previous, lines, problem: torn ? `line ${lines} is not a record` : null }
}

function isNext(line: AuditLine, previous: Position['previous']): boolean {
  const { hash, ...body } = line
  if (hashAuditLine(body) !== hash) return false
  return previous === null || (line.seq === previous.seq + 1 && line.prev === previous.hash)
}
