/** One traced call on a file, in the order in which the kernel finished them. Times are seconds since the epoch. */
export type FileCall =
  | {
      readonly kind: 'write'
      readonly file: string
      readonly offset: number
      readonly bytes: Buffer
      readonly startedAt: number
      readonly endedAt: number
    }
  | { readonly kind: 'sync'; readonly file: string; readonly startedAt: number; readonly endedAt: number }
  | {
      readonly kind: 'truncate'
      readonly file: string
      readonly length: number
      readonly startedAt: number
      readonly endedAt: number
    }

/** Calls that strace is asked for; everything that changes or secures a file's bytes. */
export const TRACED_CALLS = 'pwrite64,fsync,fdatasync,ftruncate'

const LINE = /^(\d+) +(\d+\.\d+) (.*)$/
const UNFINISHED = /^(.*) <unfinished \.\.\.>$/
const RESUMED = /^<\.\.\. \w+ resumed>(.*)$/
const DONE = /^(\w+)\((\d+)<([^>]*)>(?:, (.*))?\) = (-?\d+)[^<]*(?:<([\d.]+)>)?$/s

/**
 * Reads the output of `strace -f -ttt -T -y -xx -s <large> -e trace=...`: one call a line, calls of several threads
 * split into "unfinished" and "resumed". Failed calls changed nothing and are left out.
 */
export function parseTrace(text: string): readonly FileCall[] {
  const calls: FileCall[] = []
  for (const { call, startedAt } of wholeCalls(text.split('\n'))) {
    const parsed = parseCall(call, startedAt)
    if (parsed !== null) calls.push(parsed)
  }
  return calls.toSorted((a, b) => a.endedAt - b.endedAt)
}

/** Joins what strace splits while another thread's call is written. */
function* wholeCalls(
  lines: readonly string[],
): Generator<{ readonly call: string; readonly startedAt: number }> {
  const open = new Map<string, { readonly call: string; readonly startedAt: number }>()
  for (const line of lines) {
    const [, pid = '', time = '0', rest = ''] = LINE.exec(line) ?? []
    const unfinished = UNFINISHED.exec(rest)?.[1]
    const resumed = RESUMED.exec(rest)?.[1]
    const begun = open.get(pid)
    if (unfinished !== undefined) open.set(pid, { call: unfinished, startedAt: Number(time) })
    else if (resumed === undefined) yield { call: rest, startedAt: Number(time) }
    else if (begun !== undefined) yield { call: `${begun.call}${resumed}`, startedAt: begun.startedAt }
  }
}

function parseCall(text: string, startedAt: number): FileCall | null {
  const match = DONE.exec(text)
  if (match === null) return null
  const [, name, , rawFile = '', args = '', result = '-1', duration = '0'] = match
  if (Number(result) < 0) return null
  const common = {
    file: unescaped(rawFile).toString('utf8'),
    startedAt,
    endedAt: startedAt + Number(duration),
  }
  if (name === 'pwrite64') return writeCall(args, common)
  if (name === 'ftruncate') return { kind: 'truncate', length: Number(args), ...common }
  return { kind: 'sync', ...common }
}

type Common = Pick<FileCall, 'file' | 'startedAt' | 'endedAt'>

function writeCall(args: string, common: Common): FileCall | null {
  const match = /^"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?, (\d+), (\d+)$/.exec(args)
  if (match === null || match[2] !== undefined)
    throw new Error(`a traced write cannot be read: ${args.slice(-60)}`)
  const bytes = unescaped(match[1] ?? '')
  if (bytes.length !== Number(match[3])) throw new Error('a traced write is not whole')
  return { kind: 'write', offset: Number(match[4]), bytes, ...common }
}

/** `\x41\x42` as bytes; text without escapes as it is. */
function unescaped(text: string): Buffer {
  if (!text.includes('\\x')) return Buffer.from(text)
  return Buffer.from(text.replaceAll('\\x', ''), 'hex')
}
