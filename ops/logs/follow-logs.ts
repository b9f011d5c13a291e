import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { byTime, type LogFilter, type MergedLine, parseLogLine, passes } from './log-line.ts'

const READ_BYTES_MAX = 4 * 1_024 * 1_024

interface Position {
  inode: number
  offset: number
  /** A line whose end was not written yet. */
  rest: string
}

/** New matching lines since the last call; the first call starts at the present ends of the files. */
export function createFollower(folder: string, filter: LogFilter): () => readonly MergedLine[] {
  const positions = new Map<string, Position>()
  for (const name of currentLogs(folder)) {
    const { ino, size } = statSync(join(folder, name))
    positions.set(name, { inode: ino, offset: size, rest: '' })
  }
  return () =>
    currentLogs(folder)
      .flatMap((name) => readOn(folder, name, positions))
      .map(parseLogLine)
      .filter((merged) => merged !== undefined)
      .filter((merged) => passes(filter, merged.line))
      .toSorted(byTime)
}

function currentLogs(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.log')) : []
}

function readOn(folder: string, name: string, positions: Map<string, Position>): readonly string[] {
  const file = openSync(join(folder, name), 'r')
  try {
    const { ino, size } = fstatSync(file)
    const position = positions.get(name) ?? { inode: ino, offset: 0, rest: '' }
    positions.set(name, position)
    const before = position.inode === ino ? [] : finishRotated(folder, name, position)
    if (position.inode !== ino || size < position.offset)
      Object.assign(position, { inode: ino, offset: 0, rest: '' })
    return [...before, ...readLines(file, size, position)]
  } finally {
    closeSync(file)
  }
}

/** The file was renamed to `.1` since the last look: its end is still unread. */
function finishRotated(folder: string, name: string, position: Position): readonly string[] {
  const rotated = join(folder, `${name}.1`)
  if (!existsSync(rotated)) return []
  const file = openSync(rotated, 'r')
  try {
    const { ino, size } = fstatSync(file)
    return ino === position.inode ? readLines(file, size, position) : []
  } finally {
    closeSync(file)
  }
}

function readLines(file: number, size: number, position: Position): readonly string[] {
  const buffer = Buffer.alloc(Math.min(size - position.offset, READ_BYTES_MAX))
  const read = readSync(file, buffer, 0, buffer.length, position.offset)
  position.offset += read
  const lines = (position.rest + buffer.subarray(0, read).toString('utf8')).split('\n')
  position.rest = lines.pop() ?? ''
  return lines
}
