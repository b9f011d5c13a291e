import { stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startProgram } from './lib/child-process.ts'
import { measureRatio, ratioTable } from './lib/ratio-report.ts'
import { measureBargeIn } from './lib/voice-barge-in.ts'
import { closeClients, openClient, startSession, type VoiceClient, wholeSession } from './lib/voice-client.ts'
import { measureStalled } from './lib/voice-stalled.ts'
import { startVoiceStand } from './lib/voice-stand.ts'

// What a voice session costs: create, ready, message, close against a bare ws server that does the same; the time from
// an interruption to the last frame of the interrupted answer at 50 sessions that talk; memory of 500 idle sessions, and
// of clients that stop reading.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const FORM = values.short ? 'short' : 'long'
const ROUNDS = values.short ? 2 : 15
const SESSIONS_A_ROUND = values.short ? 5 : 300
const TALKING = values.short ? 8 : 50
const INTERRUPTIONS = values.short ? 2 : 40
const STALLED = values.short ? 1 : 10
const IDLE = values.short ? 50 : 500
const WARM_UP = values.short ? 5 : 50
const IDLE_LIMIT_MIB = 150
const MIB = 1 << 20

const stand = await startVoiceStand({})
const bare = await startProgram([
  fileURLToPath(new URL('./lib/bare-voice-main.ts', import.meta.url)),
  stand.gatewayOrigin,
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
  // First, while nothing has grown that the sessions could use without adding to it.
  const idle = await measureIdle()
  const stalled = {
    'one long answer': await measureStalled(stand, STALLED, 'one long answer'),
    'many short answers': await measureStalled(stand, STALLED, 'many short answers'),
  }
  const session = await measureSession()
  return { session, idle, stalled, barge_in: await measureBargeIn(stand.url, TALKING, INTERRUPTIONS) }
}

function measureSession() {
  const bareUrl = `http://127.0.0.1:${String(bare.hello['port'])}`
  return measureRatio(
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
}

async function measureIdle() {
  for (let warmUp = 0; warmUp < WARM_UP; warmUp += 1) await wholeSession(stand.url)
  const before = (await stand.measure()).rssBytes
  const clients: VoiceClient[] = []
  for (let index = 0; index < IDLE; index += 1) {
    clients.push(await openClient(stand.url, await startSession(stand.url)))
  }
  const addedMib = ((await stand.measure()).rssBytes - before) / MIB
  for (const { socket } of clients) socket.close(1000)
  return { sessions: IDLE, added_mib: addedMib, limit_mib: IDLE_LIMIT_MIB }
}

function tableOf({ session, idle, stalled, barge_in: bargeIn }: Awaited<ReturnType<typeof measure>>): string {
  return [
    ratioTable(session).trimEnd(),
    `  ${idle.sessions} idle sessions add ${idle.added_mib.toFixed(1)} MiB (target: under ${idle.limit_mib})`,
    ...Object.entries(stalled).map(
      ([manner, cost]) =>
        `  a client that stops reading ${manner}: at most ${cost.mib_each_max.toFixed(2)} MiB (target: at most ${cost.limit_mib}), ${cost.closed_with_4409} of ${cost.clients} closed with 4409`,
    ),
    `  last stale frame after ${bargeIn.interruptions} interruptions at ${bargeIn.sessions} sessions: p50 ${ms(bargeIn.last_stale_frame_ms_p50)}, p99 ${ms(bargeIn.last_stale_frame_ms_p99)}, longest ${ms(bargeIn.last_stale_frame_ms_max)} (target: p99 at most ${bargeIn.limit_ms} ms; ${bargeIn.frames_of_sound_heard} frames of sound heard)`,
    `  stale frames after ${bargeIn.with_stale_frames} of them; sound ahead of the ear p99 ${ms(bargeIn.sound_ahead_ms_p99)}; the client itself was late by p99 ${ms(bargeIn.client_loop_late_ms_p99)}`,
    '',
  ].join('\n')
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}
