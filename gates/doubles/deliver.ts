import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './faults.ts'
import { type Piece, sse } from './openai-answers.ts'

const STREAM_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }
const TOKENS_BEFORE_FAULT = 2

export interface Delivery {
  readonly res: ServerResponse
  /** Aborted when the client has left: every wait ends with it. */
  readonly signal: AbortSignal
  readonly tokenDelayMs: number
}

/** Sends a whole body under a fault. Faults that break a stream after tokens break this after some bytes. */
export async function deliverBody(
  { res, signal }: Delivery,
  answer: { type: string; bytes: Buffer },
  fault: Fault | null,
): Promise<void> {
  if (fault !== null && (await interfere(fault, { res, signal }))) return
  res.writeHead(200, { 'content-type': answer.type, 'content-length': answer.bytes.length })
  if (fault === null) res.end(answer.bytes)
  else await sendBroken(res, answer.bytes, fault, signal)
}

async function sendBroken(
  res: ServerResponse,
  bytes: Buffer,
  fault: Fault,
  signal: AbortSignal,
): Promise<void> {
  const half = bytes.subarray(0, bytes.length >> 1)
  if (fault.kind === 'slow_drip') await drip(res, bytes, fault.delay_ms, signal)
  else if (fault.kind === 'malformed_chunk') res.end(Buffer.alloc(bytes.length, '{'))
  else if (fault.kind === 'stall_after_token') res.write(half)
  else if (fault.kind === 'cut') res.write(half, () => res.destroy())
  else res.end(bytes)
}

/** Sends a stream under a fault. */
export async function deliverStream(
  delivery: Delivery,
  pieces: readonly Piece[],
  fault: Fault | null,
): Promise<void> {
  const { res } = delivery
  const sendsHead = fault?.kind === 'stall_before_token' && fault.headers === true
  if (fault !== null && !sendsHead && (await interfere(fault, delivery))) return
  res.writeHead(200, STREAM_HEADERS)
  if (sendsHead) res.write(pieces[0]?.bytes)
  else if (fault === null) await sendWhole(delivery, pieces)
  else await sendBrokenStream(delivery, pieces, fault)
}

async function sendWhole(delivery: Delivery, pieces: readonly Piece[]): Promise<void> {
  await sendPieces(delivery, pieces)
  delivery.res.end()
}

async function sendBrokenStream(delivery: Delivery, pieces: readonly Piece[], fault: Fault): Promise<void> {
  const { res, signal } = delivery
  if (fault.kind === 'slow_drip') {
    await drip(res, Buffer.concat(pieces.map(({ bytes }) => bytes)), fault.delay_ms, signal)
  } else if (fault.kind === 'no_closing_mark') {
    await sendPieces(delivery, pieces.slice(0, -1))
    if (fault.stall !== true) res.end()
  } else if (isBreak(fault)) {
    await sendPieces(delivery, upToTokens(pieces, fault.tokens ?? TOKENS_BEFORE_FAULT))
    breakOff(fault, res)
  } else await sendWhole(delivery, pieces)
}

async function sendPieces({ res, signal, tokenDelayMs }: Delivery, pieces: readonly Piece[]): Promise<void> {
  for (const { bytes, isToken } of pieces) {
    if (signal.aborted) return
    if (isToken && tokenDelayMs > 0) await wait(tokenDelayMs, signal)
    if (!res.write(bytes)) await drained(res, signal)
  }
}

type Break = Extract<Fault, { tokens?: number }>

function isBreak(fault: Fault): fault is Break {
  return ['stall_after_token', 'cut', 'malformed_chunk', 'error_event'].includes(fault.kind)
}

function breakOff(fault: Break, res: ServerResponse): void {
  switch (fault.kind) {
    case 'stall_after_token':
      return
    case 'cut':
      if (fault.clean === true) res.end()
      else res.write('data: {"id":"chat', () => res.socket?.resetAndDestroy())
      return
    case 'malformed_chunk':
      res.write('data: {"choices": oops\n\n')
      return
    case 'error_event':
      res.end(sse({ error: { message: 'double fails in its stream', type: 'double' } }))
  }
}

/** Faults that come before anything else. True when nothing more is to be sent. */
async function interfere(fault: Fault, { res, signal }: Pick<Delivery, 'res' | 'signal'>): Promise<boolean> {
  if (fault.kind === 'refuse') {
    res.socket?.resetAndDestroy()
    return true
  }
  if (fault.kind === 'status') {
    const retry = fault.retry_after === undefined ? {} : { 'retry-after': fault.retry_after }
    res.writeHead(fault.status, { 'content-type': 'application/json', ...retry })
    res.end(JSON.stringify({ error: { message: `double answers ${fault.status}`, type: 'double' } }))
    return true
  }
  if (fault.kind === 'stall_before_token') return true
  if (fault.kind === 'delay') await wait(fault.delay_ms, signal)
  return signal.aborted
}

function upToTokens(pieces: readonly Piece[], tokens: number): Piece[] {
  let left = tokens
  return pieces.filter((piece) => (piece.isToken ? left-- > 0 : left > 0))
}

async function drip(res: ServerResponse, bytes: Buffer, delayMs: number, signal: AbortSignal): Promise<void> {
  for (const byte of bytes) {
    if (signal.aborted) return
    res.write(Buffer.from([byte]))
    await wait(delayMs, signal)
  }
  res.end()
}

/** A pause of the protocol being played, not of a test; ends early when the client leaves. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined)
}

function drained(res: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    res.once('drain', done)
    signal.addEventListener('abort', done, { once: true })
  })
}
