/** One line of a service's log, as far as merging and filtering need it; the schema of all fields is the chassis'. */
export interface LogLine {
  readonly timestamp: string
  readonly level: string
  readonly service: string
  readonly correlation_id: string | null
  readonly operation: string | null
  readonly message: string
  readonly duration_ms: number | null
  readonly status_code: number | null
  readonly error: { readonly code: string; readonly message: string } | null
}

export const LOG_LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** A parsed line with its own text, which is what machines are given. */
export interface MergedLine {
  readonly line: LogLine
  readonly raw: string
}

/** undefined for what is no log line: a torn last line, or what a crash wrote. */
export function parseLogLine(raw: string): MergedLine | undefined {
  try {
    const line = JSON.parse(raw) as LogLine
    return typeof line.timestamp === 'string' && typeof line.level === 'string' ? { line, raw } : undefined
  } catch {
    return undefined
  }
}

export interface LogFilter {
  readonly services: ReadonlySet<string>
  readonly minLevel: LogLevel
  readonly correlationId: string | undefined
  /** ISO time; earlier lines are left out. */
  readonly since: string | undefined
}

export function passes(filter: LogFilter, line: LogLine): boolean {
  if (filter.services.size > 0 && !filter.services.has(line.service)) return false
  if (LOG_LEVELS.indexOf(line.level as LogLevel) < LOG_LEVELS.indexOf(filter.minLevel)) return false
  if (filter.correlationId !== undefined && line.correlation_id !== filter.correlationId) return false
  return filter.since === undefined || line.timestamp >= filter.since
}

/** ISO times of one width sort as text; lines of one millisecond keep the order in which they were read. */
export function byTime(a: MergedLine, b: MergedLine): number {
  if (a.line.timestamp === b.line.timestamp) return 0
  return a.line.timestamp < b.line.timestamp ? -1 : 1
}
