import { createGatherer } from '#chassis/gatherer.ts'

/**
 * Server-sent events, byte in, unit out (WHATWG HTML, section 9.2.6).
 * A unit is everything up to and including a blank line; the concatenation of all `raw` is the input,
 * byte for byte, so what was read can be passed on unchanged. `data` is null for comments and blank lines.
 */
export interface SseUnit {
  readonly raw: Buffer
  readonly event: string | null
  readonly data: string | null
}

export interface SseParser {
  /** Units completed by these bytes. Throws SseOverflow when one unit grows beyond the bound. */
  push(bytes: Buffer): SseUnit[]
  /** Bytes after the last complete unit. */
  rest(): Buffer
}

export class SseOverflow extends Error {
  override readonly name = 'SseOverflow'
}

const LF = 10
const CR = 13

export function createSseParser(options: { maxUnitBytes: number }): SseParser {
  const carried = createGatherer()
  let lineBytes = 0
  let afterCr = false
  let isFirstUnit = true

  /** Index just after the blank line that ends a unit, or -1. State runs on over calls, so any split is the same. */
  function findUnitEnd(bytes: Buffer, from: number): number {
    for (let index = from; index < bytes.length; index++) {
      const byte = bytes[index]
      const endsLine = byte === CR || (byte === LF && !afterCr)
      const isSecondHalfOfCrLf = byte === LF && afterCr
      afterCr = byte === CR
      if (isSecondHalfOfCrLf) continue
      if (!endsLine) {
        lineBytes++
        continue
      }
      const isBlank = lineBytes === 0
      lineBytes = 0
      if (isBlank) return withTrailingLf(bytes, index)
    }
    return -1
  }

  /** Takes the LF of a CRLF into the unit where it is already here; one that comes later opens the next unit. */
  function withTrailingLf(bytes: Buffer, index: number): number {
    if (!afterCr || bytes[index + 1] !== LF) return index + 1
    afterCr = false
    return index + 2
  }

  function take(raw: Buffer): SseUnit {
    const unit = parseUnit(raw, isFirstUnit)
    isFirstUnit = false
    return unit
  }

  return {
    push(bytes) {
      const units: SseUnit[] = []
      let start = 0
      for (let end = findUnitEnd(bytes, 0); end !== -1; end = findUnitEnd(bytes, end)) {
        const tail = bytes.subarray(start, end)
        if (carried.bytes() === 0) units.push(take(tail))
        else {
          carried.add(tail)
          units.push(take(carried.take()))
        }
        start = end
      }
      if (start < bytes.length) carried.add(bytes.subarray(start))
      if (carried.bytes() > options.maxUnitBytes) throw new SseOverflow('server-sent event is too large')
      return units
    },
    rest: () => carried.copy(),
  }
}

function parseUnit(raw: Buffer, isFirst: boolean): SseUnit {
  const decoded = raw.toString('utf8')
  const text = isFirst && decoded.startsWith('\uFEFF') ? decoded.slice(1) : decoded
  let event: string | null = null
  let data: string | null = null
  for (const line of text.split(/\r\n|\r|\n/)) {
    const { field, value } = splitField(line)
    if (field === 'event') event = value
    if (field === 'data') data = data === null ? value : `${data}\n${value}`
  }
  return { raw, event, data }
}

function splitField(line: string): { field: string; value: string } {
  const colon = line.indexOf(':')
  if (colon === -1) return { field: line, value: '' }
  const skip = line[colon + 1] === ' ' ? 2 : 1
  return { field: line.slice(0, colon), value: line.slice(colon + skip) }
}

/** One event as bytes; JSON never holds a bare line end, so one data line suffices. */
export function formatSse(data: unknown, event?: string): Buffer {
  const head = event === undefined ? '' : `event: ${event}\n`
  return Buffer.from(`${head}data: ${JSON.stringify(data)}\n\n`)
}

export const SSE_DONE = Buffer.from('data: [DONE]\n\n')
