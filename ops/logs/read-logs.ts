import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { byTime, type LogFilter, type MergedLine, parseLogLine, passes } from './log-line.ts'

/** Matching lines of all logs in time order, at most the last `limit` of each file. Rotated files come first. */
export async function readLogs(
  folder: string,
  filter: LogFilter,
  limit: number,
): Promise<readonly MergedLine[]> {
  const perFile = await Promise.all(logFiles(folder).map((path) => lastMatches(path, filter, limit)))
  return perFile.flat().toSorted(byTime).slice(-limit)
}

/** `<name>.log`, with its rotated `<name>.log.1` ... in front, oldest first. */
function logFiles(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  const ages = (name: string) => Number(/\.log\.(\d+)$/.exec(name)?.[1] ?? 0)
  return readdirSync(folder)
    .filter((name) => /\.log(\.\d+)?$/.test(name))
    .toSorted((a, b) => ages(b) - ages(a))
    .map((name) => join(folder, name))
}

async function lastMatches(path: string, filter: LogFilter, limit: number): Promise<readonly MergedLine[]> {
  let matches: MergedLine[] = []
  for await (const raw of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const merged = parseLogLine(raw)
    if (merged === undefined || !passes(filter, merged.line)) continue
    matches.push(merged)
    // Twice the limit bounds memory without moving the array at every line.
    if (matches.length >= 2 * limit) matches = matches.slice(-limit)
  }
  return matches.slice(-limit)
}
