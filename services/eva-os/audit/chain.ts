import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'

export interface AuditEntry {
  readonly seq: number
  readonly at_ms: number
  readonly event: string
  readonly body: Readonly<Record<string, unknown>>
  readonly previous_sha256: string
  readonly sha256: string
}

export const GENESIS_SHA256 = '0'.repeat(64)

/** SHA-256 over the previous digest and the RFC 8785 form of everything this entry says. */
export function entryDigest(entry: Omit<AuditEntry, 'sha256'>): string {
  const { seq, at_ms, event, body, previous_sha256 } = entry
  return hash('sha256', `${previous_sha256}\n${canonicalize({ seq, at_ms, event, body })}`)
}

/** What is wrong with an entry that follows `previous`, or undefined. */
export function brokenLink(
  previous: Pick<AuditEntry, 'seq' | 'sha256'>,
  entry: AuditEntry,
): string | undefined {
  if (entry.seq !== previous.seq + 1) return `entry ${previous.seq + 1} is missing`
  if (entry.previous_sha256 !== previous.sha256)
    return `entry ${entry.seq} does not follow entry ${previous.seq}`
  if (entryDigest(entry) !== entry.sha256) return `entry ${entry.seq} was changed`
  return undefined
}
