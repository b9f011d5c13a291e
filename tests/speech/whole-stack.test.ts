import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CATALOG, portAt } from '#catalog'
import { eventually } from '#chassis/testing.ts'
import { startUpstreamDouble, type UpstreamDouble } from '#gates/doubles/upstream.ts'
import { type Stack, startStack } from '#ops/stack.ts'
import { hasProgram } from '../../services/pipecat/speech/voices.ts'
import { Client, pcmSilence, pcmTone } from '../../services/pipecat/testing.ts'

// The whole way with the real processes: sound in, pipecat, gateway, router, sound out. Only the models are doubles; the
// voice is espeak-ng where it is installed.

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
/** Between the blocks that the stacks of other tests take. */
const PORT_BASE = 24_120
/** Six processes compile their modules at once; a loaded machine needs its time. */
const READY_LIMIT_MS = 240_000
const EMBEDDED_VOICE = 'espeak-ng'
const TOKEN_DELAY_MS = 50
/** Far longer than a test waits: what ends before it was ended. */
const LONG_ANSWER_WORDS = 2_000
const LIMIT_MS = 60_000
const FRAME_BYTES = 640
const UTTERANCE = Buffer.concat([pcmSilence(400), pcmTone(800), pcmSilence(700)])

let double: UpstreamDouble
let stack: Stack | undefined
let home = ''
const url = `http://127.0.0.1:${portAt(CATALOG.pipecat.port, PORT_BASE)}`

before(async () => {
  double = await startUpstreamDouble({ tokenDelayMs: TOKEN_DELAY_MS })
  const speech = {
    transcription: { base_url: double.baseUrl, model: 'ears' },
    ...((await hasProgram(EMBEDDED_VOICE)) ? {} : { voice: { base_url: double.baseUrl, model: 'mouth' } }),
  }
  const talker = { kind: 'openai', base_url: double.baseUrl, models: [{ name: 'talker' }] }
  const sections = {
    pipecat: { speech },
    'model-router': { providers: { double: talker }, embedded: false },
  }
  home = await mkdtemp(join(tmpdir(), 'sonia-speech-'))
  await mkdir(join(home, 'config'), { mode: 0o700 })
  await writeFile(join(home, 'config', 'sonia.json'), JSON.stringify({ services: sections }), { mode: 0o600 })
  stack = await startStack({
    repo: REPOSITORY,
    home,
    portBase: PORT_BASE,
    runId: `speech-${process.pid}`,
    readyTimeoutMs: READY_LIMIT_MS,
    host: { env, clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() } },
  })
})
after(async () => {
  await stack?.stop()
  await double.close()
  await rm(home, { recursive: true, force: true })
})

async function startSession(): Promise<string> {
  const answer = await fetch(`${url}/session/start`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  return ((await answer.json()) as { data: { session_id: string } }).data.session_id
}

async function connected(): Promise<{ client: Client; id: string }> {
  const id = await startSession()
  const client = new Client(url, id)
  const start = await client.next('SESSION_START')
  assert.deepEqual([start.data['hears'], start.data['speaks']], [true, true])
  return { client, id }
}

function say({ socket }: Client, pcm: Buffer): void {
  for (let at = 0; at < pcm.length; at += FRAME_BYTES) socket.send(pcm.subarray(at, at + FRAME_BYTES))
}

const chatsSeen = () => double.state().seen.filter(({ path }) => path === '/chat/completions').length

test('what is said is written down, answered word by word by the model, and heard', async () => {
  const { client } = await connected()
  say(client, UTTERANCE)
  const mine = await client.next('MESSAGE')
  assert.equal(mine.data['role'], 'user')
  assert.match(String(mine.data['text']), /^heard \d{5,} bytes$/)
  await client.next('MESSAGE_DELTA')
  const sentence = await client.next('SPEECH')
  const end = await client.next('SPEECH_END')
  assert.equal(sentence.data['text'], `You said: ${String(mine.data['text'])}`)
  const seconds = client.audio.reduce((sum, frame) => sum + frame.length, 0) / 32_000
  assert.ok(seconds > 0.8, `${seconds} s of sound`)
  assert.ok(client.audio.some((frame) => frame.some((byte) => byte !== 0)))
  assert.deepEqual([end.data['frames'], end.data['last_frame']], [client.audio.length, client.audio.length])
  const timings = end.data['timings_ms'] as Record<string, number>
  for (const stage of ['transcription', 'first_token', 'voice', 'first_audio', 'answer']) {
    assert.ok((timings[stage] ?? -1) >= 0, stage)
  }
  client.send('SESSION_STOP')
  assert.equal(await client.closed, 1000)
})

test('who speaks into the answer stops it everywhere: no frame follows, and the model sees its client leave', async () => {
  const { client } = await connected()
  const chatsBefore = chatsSeen()
  const before = double.state()
  client.send('MESSAGE', { text: 'word '.repeat(LONG_ANSWER_WORDS), stream: true, speak: true })
  await client.next('SPEECH')
  await eventually(() => client.audio.length > 10, LIMIT_MS)
  assert.deepEqual([chatsSeen() - chatsBefore, double.state().aborted - before.aborted], [1, 0])
  say(client, Buffer.concat([pcmSilence(100), pcmTone(200)]))
  const stopped = await client.next('INTERRUPT')
  assert.deepEqual([stopped.data['interrupted'], stopped.data['by']], [true, 'speech'])
  assert.equal(client.audio.length, stopped.data['last_frame'])
  await eventually(() => double.state().aborted > before.aborted, LIMIT_MS)
  assert.equal(double.state().in_flight, 0)
  say(client, Buffer.concat([pcmTone(200), pcmSilence(700)]))
  assert.equal((await client.next('MESSAGE')).data['role'], 'user')
  const next = await client.next('SPEECH')
  assert.equal(next.data['first_frame'], Number(stopped.data['last_frame']) + 1)
  client.send('SESSION_STOP')
  await client.closed
})

test('a session outlives the process that held it: its client comes back, with its numbers, and is answered', async () => {
  const { client, id } = await connected()
  const { seq } = await client.next('STATUS')
  assert.equal(stack?.kill('pipecat', 'SIGKILL'), true)
  assert.equal(await client.closed, 1006)
  let back = client
  await eventually(() => {
    back = new Client(url, id, `?last_seq=${seq}`)
    return back.opened()
  }, LIMIT_MS)
  const start = await back.next('SESSION_START')
  assert.deepEqual([start.data['resumed'], start.seq], [true, seq + 1])
  back.send('MESSAGE', { text: 'Still there?' })
  assert.match(String((await back.next('MESSAGE')).data['text']), /Still there\?/)
  back.send('SESSION_STOP')
  assert.equal(await back.closed, 1000)
})
