import { once } from 'node:events'
import type { Socket } from 'node:net'
import { stdout } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { growthOf } from './lib/growth.ts'
import { closeClients, openClient, startSession, wholeSession } from './lib/voice-client.ts'
import { startVoiceStand } from './lib/voice-stand.ts'
import type { VoiceHoldings } from './lib/voice-subject-main.ts'

// Whether anything stays behind of voice sessions, of which 30 % end badly: without a close frame, half-open, cut in
// the middle of a frame; the gateway is restarted in the middle of every batch. Then what is left, and the heap.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const POINTS = values.short ? 5 : 11
const SESSIONS_A_POINT = values.short ? 20 : 1_000
/** Beyond the 2,000 closed sessions that can still be asked for, and until the compiler has thrown away what it will. */
const WARM_UP = values.short ? 40 : 7_000
const AT_ONCE = 20
const HEAP_LIMIT_BYTES = 100
const SETTLE_MS_MAX = 30_000
/** Longer than an idle connection to the gateway is kept. */
const UNCHANGED_LOOKS = values.short ? 2 : 12

type Ending = 'clean' | 'no_close_frame' | 'half_open' | 'cut_in_frame'
const BAD: readonly Ending[] = ['no_close_frame', 'half_open', 'cut_in_frame']

const stand = await startVoiceStand({ ping_seconds: 1, resume_seconds: 1 })
const counts: Record<Ending | 'without_answer', number> = {
  clean: 0,
  no_close_frame: 0,
  half_open: 0,
  cut_in_frame: 0,
  without_answer: 0,
}
try {
  const result = await measure()
  stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : tableOf(result))
} finally {
  await closeClients()
  await stand.stop()
}

async function measure() {
  await batch(WARM_UP)
  const before = await settled()
  for (const ending of Object.keys(counts) as (keyof typeof counts)[]) counts[ending] = 0
  const points = [{ requests: 0, value: before.heapBytes }]
  let after = before
  for (let point = 1; point < POINTS; point += 1) {
    await batch(SESSIONS_A_POINT)
    after = await settled()
    points.push({ requests: point * SESSIONS_A_POINT, value: after.heapBytes })
  }
  const { perRequest, upper95 } = growthOf(points)
  return {
    bench: 'voice-sessions',
    form: values.short ? 'short' : 'long',
    sessions: (POINTS - 1) * SESSIONS_A_POINT,
    endings: counts,
    heap_bytes: points,
    heap_growth_bytes_per_session: perRequest,
    heap_growth_upper_95: upper95,
    heap_growth_limit: HEAP_LIMIT_BYTES,
    identity_exact: after.created === after.closed + after.active,
    left: {
      sessions: after.active,
      sockets: after.sockets - before.sockets,
      timers: after.timers - before.timers,
      files: after.files,
      descriptors: after.descriptors - before.descriptors,
      gateway_requests: await stand.gatewayInFlight(),
    },
  }
}

async function batch(sessions: number): Promise<void> {
  let next = 0
  const halfOpen: { terminate(): void }[] = []
  const worker = async () => {
    while (next < sessions) {
      const index = next
      next += 1
      if (index === Math.floor(sessions / 2)) await stand.restartGateway()
      await oneSession(index, halfOpen)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  await untilSilent()
  for (const socket of halfOpen) socket.terminate()
}

async function oneSession(index: number, halfOpen: { terminate(): void }[]): Promise<void> {
  const ending = index % 10 < BAD.length ? (BAD[index % 10] ?? 'clean') : 'clean'
  counts[ending] += 1
  try {
    if (ending === 'clean') await wholeSession(stand.url)
    else await endBadly(ending, halfOpen)
  } catch {
    // A restart of the gateway costs answers, not sessions: the session itself must still come to its end.
    counts.without_answer += 1
  }
}

async function endBadly(ending: Ending, halfOpen: { terminate(): void }[]): Promise<void> {
  const { socket, send } = await openClient(stand.url, await startSession(stand.url))
  send('MESSAGE', { text: 'talk', stream: true })
  if (ending === 'half_open') {
    // It takes nothing and answers no ping, and its connection stays.
    socket.pause()
    halfOpen.push(socket)
    return
  }
  const closed = once(socket, 'close')
  const { _socket: raw } = socket as unknown as { _socket: Socket }
  if (ending === 'cut_in_frame') raw.write(Buffer.from([0x81, 0xfe, 0x03, 0xe8, 1, 2, 3, 4, 5]))
  raw.destroy()
  await closed
}

/** Until every session has come to its end by itself. */
async function untilSilent(): Promise<void> {
  const until = performance.now() + SETTLE_MS_MAX
  while (performance.now() < until) {
    if ((await stand.measure()).active === 0) return
    await sleep(200)
  }
}

async function settled(): Promise<VoiceHoldings> {
  let held = await stand.measure()
  const until = performance.now() + SETTLE_MS_MAX
  for (let unchanged = 0; unchanged < UNCHANGED_LOOKS && performance.now() < until; ) {
    await sleep(500)
    const next = await stand.measure()
    const isSame =
      next.sockets === held.sockets && next.timers === held.timers && next.descriptors === held.descriptors
    unchanged = isSame ? unchanged + 1 : 0
    held = next
  }
  return held
}

function tableOf(result: Awaited<ReturnType<typeof measure>>): string {
  const { left, endings } = result
  const growth = `${result.heap_growth_bytes_per_session.toFixed(1)} bytes a session, upper 95 % bound ${result.heap_growth_upper_95.toFixed(1)}`
  return [
    `voice-sessions, ${result.form}: ${result.sessions} sessions (${Object.entries(endings)
      .map(([ending, count]) => `${count} ${ending}`)
      .join(', ')})`,
    `  heap ${growth} (target: under ${result.heap_growth_limit})`,
    `  left behind: ${Object.entries(left)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ')} (target: 0)`,
    `  created = closed + active: ${result.identity_exact ? 'exact' : 'NOT exact'}`,
    '',
  ].join('\n')
}
