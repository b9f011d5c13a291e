import { setTimeout as sleep } from 'node:timers/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { quantile } from './paired-rounds.ts'
import { openClient, startSession, type VoiceClient } from './voice-client.ts'

const FRAME_MS = 40
const NS_A_MS = 1e6
/** How long an answer is let talk: between once and twice this. */
const TALK_MS = 500

interface Interruption {
  /** From the moment the client sent the interruption to the last frame of sound that came after it; 0 for none. */
  readonly staleMs: number
  /** Sound that had come and was not heard yet when the client interrupted. */
  readonly aheadMs: number
  readonly frames: number
}

export interface BargeIn {
  readonly sessions: number
  readonly interruptions: number
  /** That there was something to interrupt. */
  readonly frames_of_sound_heard: number
  readonly with_stale_frames: number
  readonly last_stale_frame_ms_p50: number
  readonly last_stale_frame_ms_p99: number
  readonly last_stale_frame_ms_max: number
  readonly sound_ahead_ms_p99: number
  /** How late the client itself was: part of every figure above. */
  readonly client_loop_late_ms_p99: number
  readonly limit_ms: number
}

const LIMIT_MS = 20

/** Sessions that all talk, each interrupted at a moment of its own, over and over. */
export async function measureBargeIn(url: string, sessions: number, rounds: number): Promise<BargeIn> {
  const clients = await Promise.all(
    Array.from({ length: sessions }, async () => openClient(url, await startSession(url))),
  )
  const late = monitorEventLoopDelay({ resolution: 1 })
  late.enable()
  const all: Interruption[] = []
  for (let round = 0; round < rounds; round += 1) all.push(...(await Promise.all(clients.map(interruptOnce))))
  late.disable()
  for (const { socket } of clients) socket.close(1000)
  return summary(sessions, all, late)
}

function summary(
  sessions: number,
  all: readonly Interruption[],
  late: ReturnType<typeof monitorEventLoopDelay>,
): BargeIn {
  const sorted = (pick: (one: Interruption) => number) => all.map(pick).toSorted((a, b) => a - b)
  const stale = sorted(({ staleMs }) => staleMs)
  return {
    sessions,
    interruptions: all.length,
    frames_of_sound_heard: all.reduce((sum, { frames }) => sum + frames, 0),
    with_stale_frames: stale.filter((ms) => ms > 0).length,
    last_stale_frame_ms_p50: quantile(stale, 0.5),
    last_stale_frame_ms_p99: quantile(stale, 0.99),
    last_stale_frame_ms_max: quantile(stale, 1),
    sound_ahead_ms_p99: quantile(
      sorted(({ aheadMs }) => aheadMs),
      0.99,
    ),
    client_loop_late_ms_p99: Math.max(0, late.percentile(99) / NS_A_MS - 1),
    limit_ms: LIMIT_MS,
  }
}

/** Lets the answer be heard, interrupts it, and looks for frames of it that still come. */
async function interruptOnce(client: VoiceClient): Promise<Interruption> {
  const { socket } = client
  const times: number[] = []
  const onFrame = (_data: Buffer, isBinary: boolean) => {
    if (isBinary) times.push(performance.now())
  }
  socket.on('message', onFrame)
  const speaks = client.frame('SPEECH')
  client.send('MESSAGE', { text: 'talk', stream: true, speak: true })
  await speaks
  await sleep(TALK_MS + Math.random() * TALK_MS)
  const acknowledged = client.frame('INTERRUPT')
  const interruptedAtMs = performance.now()
  const heardMs = interruptedAtMs - (times[0] ?? interruptedAtMs)
  const aheadMs = Math.max(0, times.length * FRAME_MS - heardMs)
  client.send('INTERRUPT')
  await acknowledged
  // Asked and answered once more: whatever was still under way has come by now.
  const status = client.frame('STATUS')
  client.send('STATUS')
  await status
  socket.off('message', onFrame)
  return { staleMs: Math.max(0, (times.at(-1) ?? 0) - interruptedAtMs), aheadMs, frames: times.length }
}
