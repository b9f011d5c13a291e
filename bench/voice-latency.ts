import { stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startProgram } from './lib/child-process.ts'
import { quantile } from './lib/paired-rounds.ts'
import { measureRatio, ratioTable } from './lib/ratio-report.ts'
import { closeClients, openClient, startSession, type VoiceClient, wholeSession } from './lib/voice-client.ts'
import { startVoiceStand } from './lib/voice-stand.ts'

// What a voice session costs: create, ready, message, close against a bare ws server that does the same; the time from
// an interruption to the last frame of the interrupted answer at 50 sessions that talk; memory of 500 idle sessions.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const FORM = values.short ? 'short' : 'long'
const ROUNDS = values.short ? 5 : 15
const SESSIONS_A_ROUND = values.short ? 40 : 300
const TALKING = 50
const INTERRUPTIONS = values.short ? 4 : 40
/** How long it is let talk: between once and twice this. */
const TALK_MS = 500
const STALE_LIMIT_MS = 20
const IDLE = 500
const IDLE_LIMIT_MIB = 150
const MIB = 1 << 20

const stand = await startVoiceStand({})
const bare = await startProgram([
  fileURLToPath(new URL('./lib/bare-voice-main.ts', import.meta.url)),
  stand.gateway.origin,
])
try {
  const result = { bench: 'voice-latency', form: FORM, ...(await measure()) }
  stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : tableOf(result))
} finally {
  await closeClients()
  await bare.stop()
  await stand.stop()
}

async function measure() {
  const bareUrl = `http://127.0.0.1:${String(bare.hello['port'])}`
  const session = await measureRatio(
    {
      bench: 'voice-latency: create, ready, message, close',
      form: FORM,
      rounds: ROUNDS,
      callsPerRound: SESSIONS_A_ROUND,
      subject: 'pipecat',
      reference: 'bare ws',
      limit: 3,
    },
    [
      { name: 'pipecat', once: () => wholeSession(stand.url) },
      { name: 'bare ws', once: () => wholeSession(bareUrl) },
    ],
  )
  return { session, idle: await measureIdle(), barge_in: await measureBargeIn() }
}

async function measureIdle() {
  const before = (await stand.measure()).rssBytes
  const clients: VoiceClient[] = []
  for (let index = 0; index < IDLE; index += 1) {
    clients.push(await openClient(stand.url, await startSession(stand.url)))
  }
  const addedMib = ((await stand.measure()).rssBytes - before) / MIB
  for (const { socket } of clients) socket.close(1000)
  return { sessions: IDLE, added_mib: addedMib, limit_mib: IDLE_LIMIT_MIB }
}

async function measureBargeIn() {
  const clients = await Promise.all(
    Array.from({ length: TALKING }, async () => openClient(stand.url, await startSession(stand.url))),
  )
  const stale: number[] = []
  let frames = 0
  for (let round = 0; round < INTERRUPTIONS; round += 1) {
    const told = await Promise.all(clients.map(interruptOnce))
    stale.push(...told.map(({ staleMs }) => staleMs))
    frames += told.reduce((sum, { heard }) => sum + heard, 0)
  }
  for (const { socket } of clients) socket.close(1000)
  const sorted = stale.toSorted((a, b) => a - b)
  return {
    sessions: TALKING,
    interruptions: stale.length,
    /** That there was something to interrupt. */
    frames_of_sound_heard: frames,
    last_stale_frame_ms_p50: quantile(sorted, 0.5),
    last_stale_frame_ms_p99: quantile(sorted, 0.99),
    limit_ms: STALE_LIMIT_MS,
  }
}

/** Lets the answer be heard, interrupts it, and looks for frames of it that still come. */
async function interruptOnce(client: VoiceClient): Promise<{ staleMs: number; heard: number }> {
  const { socket } = client
  let heard = 0
  let lastAtMs = 0
  const onFrame = (_data: Buffer, isBinary: boolean) => {
    if (!isBinary) return
    heard += 1
    lastAtMs = performance.now()
  }
  socket.on('message', onFrame)
  const speaks = client.frame('SPEECH')
  client.send('MESSAGE', { text: 'talk', stream: true, speak: true })
  await speaks
  // Past the first second, which is sent ahead: people interrupt what they hear, each at another moment.
  await sleep(TALK_MS + Math.random() * TALK_MS)
  const acknowledged = client.frame('INTERRUPT')
  const interruptedAtMs = performance.now()
  client.send('INTERRUPT')
  await acknowledged
  // Asked and answered once more: whatever was still under way has come by now.
  const status = client.frame('STATUS')
  client.send('STATUS')
  await status
  socket.off('message', onFrame)
  return { staleMs: Math.max(0, lastAtMs - interruptedAtMs), heard }
}

function tableOf({ session, idle, barge_in: bargeIn }: Awaited<ReturnType<typeof measure>>): string {
  return [
    ratioTable(session).trimEnd(),
    `  ${idle.sessions} idle sessions add ${idle.added_mib.toFixed(1)} MiB (target: under ${idle.limit_mib})`,
    `  last stale frame after ${bargeIn.interruptions} interruptions at ${bargeIn.sessions} sessions: p50 ${bargeIn.last_stale_frame_ms_p50.toFixed(1)} ms, p99 ${bargeIn.last_stale_frame_ms_p99.toFixed(1)} ms (target: at most ${bargeIn.limit_ms}; ${bargeIn.frames_of_sound_heard} frames of sound heard)`,
    '',
  ].join('\n')
}
