import { setTimeout as sleep } from 'node:timers/promises'
import { openClient, startSession, type VoiceClient } from './voice-client.ts'
import type { VoiceStand } from './voice-stand.ts'

const MIB = 1 << 20
const LIMIT_MIB = 4
const LOOK_EVERY_MS = 200
const LOOKS_MAX = 150
/** Frames that ask for a short answer each, sent between two looks. */
const ASKED_AT_ONCE = 4_000

export interface StalledCost {
  readonly clients: number
  /** The most that one of them cost the process at any look, heap and buffers after a forced collection. */
  readonly mib_each_max: number
  readonly resident_mib_each_max: number
  readonly closed_with_4409: number
  readonly limit_mib: number
}

type Manner = 'one long answer' | 'many short answers'

/**
 * Clients that stop reading: either while they are given an answer without end, or while they go on asking. Looked at
 * until the last of them is closed.
 */
export async function measureStalled(stand: VoiceStand, count: number, manner: Manner): Promise<StalledCost> {
  const clients: VoiceClient[] = []
  for (let index = 0; index < count; index += 1) {
    clients.push(await openClient(stand.url, await startSession(stand.url)))
  }
  const codes = clients.map(({ socket }) => new Promise<number>((resolve) => socket.once('close', resolve)))
  const before = await stand.measure()
  let mib = 0
  let residentMib = 0
  for (const { socket, send } of clients) {
    socket.pause()
    if (manner === 'one long answer') send('MESSAGE', { text: 'flood', stream: true })
  }
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    if (manner === 'many short answers') clients.forEach(askOften)
    await sleep(LOOK_EVERY_MS)
    const held = await stand.measure()
    mib = Math.max(mib, (held.heapBytes + held.bufferBytes - before.heapBytes - before.bufferBytes) / MIB)
    residentMib = Math.max(residentMib, (held.rssBytes - before.rssBytes) / MIB)
    if (held.overflows - before.overflows === count) break
  }
  for (const { socket } of clients) socket.resume()
  const closed = await Promise.all(codes)
  return {
    clients: count,
    mib_each_max: mib / count,
    resident_mib_each_max: residentMib / count,
    closed_with_4409: closed.filter((code) => code === 4409).length,
    limit_mib: LIMIT_MIB,
  }
}

function askOften({ send }: VoiceClient): void {
  for (let asked = 0; asked < ASKED_AT_ONCE; asked += 1) send('STATUS')
}
