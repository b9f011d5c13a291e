import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '#chassis/testing.ts'
import { hasProgram } from './speech/voices.ts'
import { encodeWav } from './speech/wav.ts'
import { connected, metric, pcmSilence, pcmTone, voice } from './testing.ts'

const DOUBLE = fileURLToPath(new URL('../../gates/doubles/upstream-main.ts', import.meta.url))

interface DoubleState {
  readonly requests: number
  readonly in_flight: number
  readonly seen: readonly { readonly path: string; readonly body: Record<string, unknown> | null }[]
}

/** The upstream double as a process: its transcription says how much it heard, its voice is a tone. */
let origin = ''
let stopDouble = async (): Promise<void> => undefined

before(async () => {
  const child = spawn(process.execPath, [DOUBLE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  origin = `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`
  stopDouble = async () => {
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    await exit
  }
})
after(() => stopDouble())

async function stateOfDouble(): Promise<DoubleState> {
  return (await (await fetch(`${origin}/double/state`)).json()) as DoubleState
}

async function setFaults(rules: readonly object[]): Promise<void> {
  const answer = await fetch(`${origin}/double/faults`, { method: 'PUT', body: JSON.stringify(rules) })
  assert.equal(answer.status, 200)
}

const speechConfig = () => ({
  speech: {
    transcription: { base_url: `${origin}/v1`, model: 'ears', timeout_ms: 2_000 },
    voice: { base_url: `${origin}/v1`, model: 'mouth', voice: 'alloy', timeout_ms: 2_000 },
  },
})

const UTTERANCE = Buffer.concat([pcmSilence(400), pcmTone(800), pcmSilence(700)])

test('what is said is written down, answered, and the answer is heard: numbered sound, with the time of every stage', async () => {
  const started = await voice(speechConfig())
  const { client } = await connected(started)
  for (let at = 0; at < UTTERANCE.length; at += 640) client.socket.send(UTTERANCE.subarray(at, at + 640))
  const mine = await client.next('MESSAGE')
  assert.equal(mine.data['role'], 'user')
  const bytes = Number(/^heard (\d+) bytes$/.exec(String(mine.data['text']))?.[1])
  // 300 ms before it was noticed (60 ms in), 740 ms of tone left, 600 ms of silence that end it; a WAV header.
  assert.ok(Math.abs(bytes - (44 + (300 + 740 + 600) * 32)) <= 2 * 640, `${bytes} bytes`)
  const sentence = await client.next('SPEECH')
  assert.deepEqual(sentence.data, { sentence: 1, text: mine.data['text'], first_frame: 1 })
  const end = await client.next('SPEECH_END')
  // The double says 50 ms for each character.
  const soundBytes = client.audio.reduce((sum, frame) => sum + frame.length, 0)
  assert.ok(
    Math.abs(soundBytes - String(mine.data['text']).length * 1_600) <= 2,
    `${soundBytes} bytes of sound`,
  )
  assert.deepEqual([end.data['frames'], end.data['last_frame']], [client.audio.length, client.audio.length])
  const stages = Object.keys(end.data['timings_ms'] as object).toSorted((a, b) => a.localeCompare(b))
  assert.deepEqual(stages, STAGES)
  for (const stage of STAGES) {
    const line = `sonia_voice_turn_stage_seconds_count{kind="spoken",stage="${stage}"}`
    assert.equal(await metric(started, line), '1', stage)
  }
  assert.equal(await metric(started, 'sonia_voice_turns_total{kind="spoken",outcome="ok"}'), '1')
})

const STAGES = [
  'answer',
  'endpointing',
  'first_audio',
  'first_sentence',
  'first_token',
  'transcription',
  'voice',
]

test('a typed message is answered in sound where it asks for it, and only there', async () => {
  const started = await voice(speechConfig())
  const { client } = await connected(started)
  client.send('MESSAGE', { text: 'Silent.' })
  await client.next('MESSAGE')
  client.send('MESSAGE', { text: 'Aloud. Twice.', speak: true })
  const [first, second] = [await client.next('SPEECH'), await client.next('SPEECH')]
  assert.deepEqual([first.data['text'], second.data['text']], ['Aloud.', 'Twice.'])
  const end = await client.next('SPEECH_END')
  assert.equal(second.data['first_frame'], Number(first.data['first_frame']) + Math.ceil((6 * 50) / 40))
  assert.equal(end.data['last_frame'], client.audio.length)
})

test('speech interrupts the answer being heard: not one frame of it follows, and the provider is let go', async () => {
  const started = await voice(speechConfig())
  const { client } = await connected(started)
  client.send('MESSAGE', { text: `${'word '.repeat(50)}. `, speak: true })
  await client.next('SPEECH')
  await eventually(() => client.audio.length > 10)
  client.socket.send(Buffer.concat([pcmSilence(100), pcmTone(200)]))
  const stopped = await client.next('INTERRUPT')
  assert.deepEqual([stopped.data['interrupted'], stopped.data['by']], [true, 'speech'])
  assert.equal(client.audio.length, stopped.data['last_frame'])
  client.socket.send(Buffer.concat([pcmTone(200), pcmSilence(700)]))
  assert.equal((await client.next('MESSAGE')).data['role'], 'user')
  const next = await client.next('SPEECH')
  assert.equal(next.data['first_frame'], Number(stopped.data['last_frame']) + 1)
  assert.equal(await metric(started, 'sonia_voice_turns_total{kind="typed",outcome="interrupted"}'), '1')
  client.send('SESSION_STOP')
  await client.closed
  await eventually(async () => (await stateOfDouble()).in_flight === 0)
})

test('a failing provider is a typed frame and DEGRADED; the session lives, and so does the service afterwards', async () => {
  const started = await voice(speechConfig())
  const { client } = await connected(started)
  const status = async () => (await started.app.inject({ url: '/healthz' })).json<{ status: string }>().status
  await setFaults([
    { fault: { kind: 'status', status: 500 }, model: 'mouth', times: 1 },
    { fault: { kind: 'refuse' }, times: 1 },
  ])
  client.socket.send(UTTERANCE)
  assert.equal((await client.next('ERROR')).data['code'], 'UNAVAILABLE')
  assert.equal(await status(), 'DEGRADED')
  client.send('MESSAGE', { text: 'Aloud.', speak: true })
  assert.equal((await client.next('MESSAGE')).data['text'], 'Aloud.')
  assert.equal((await client.next('ERROR')).data['code'], 'UNAVAILABLE')
  client.socket.send(UTTERANCE)
  await client.next('SPEECH_END')
  assert.equal(await status(), 'OK')
})

test('sound that is no sound is refused: half a sample, or no ears to hear it', async () => {
  const started = await voice(speechConfig())
  const { client } = await connected(started)
  client.socket.send(Buffer.alloc(641))
  assert.equal((await client.next('ERROR')).data['code'], 'INVALID_ARGUMENT')
  const deaf = await connected(await voice({ speech: { embedded_voice: { enabled: false } } }))
  deaf.client.socket.send(UTTERANCE)
  assert.equal((await deaf.client.next('ERROR')).data['code'], 'UNAVAILABLE')
})

test('a configuration that points to a metadata address, or holds a key itself, does not start', async () => {
  const bad = [
    'http://169.254.169.254/v1',
    'http://2852039166/',
    'http://[fe80::1]/',
    'file:///etc',
    'http://a:b@x/',
  ]
  for (const base_url of bad) {
    await assert.rejects(voice({ speech: { voice: { base_url, model: 'm' } } }), base_url)
  }
  const literal = { base_url: 'http://127.0.0.1:1', model: 'm', key: 'sk-literal' }
  await assert.rejects(voice({ speech: { voice: literal } }))
})

test('the embedded voice speaks: a program that writes 22 kHz WAV with a false length, and espeak-ng where it is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sonia-voice-'))
  const wav = encodeWav(Buffer.alloc(22_050 * 2, 1), 22_050)
  wav.writeUInt32LE(0x7f_ff_f0_00, 40)
  await writeFile(join(folder, 'said.wav'), wav)
  const program = join(folder, 'espeak-stand-in')
  await writeFile(program, `#!/bin/sh\n[ "$1" = --version ] && exit 0\ncat "${folder}/said.wav"\n`)
  await chmod(program, 0o700)
  const programs = [program, ...((await hasProgram('espeak-ng')) ? ['espeak-ng'] : [])]
  for (const each of programs) {
    const { client } = await connected(await voice({ speech: { embedded_voice: { program: each } } }))
    client.send('MESSAGE', { text: 'Good morning to you.', speak: true })
    await client.next('SPEECH')
    await client.next('SPEECH_END')
    const seconds = client.audio.reduce((sum, frame) => sum + frame.length, 0) / 32_000
    assert.ok(seconds > 0.8 && seconds < 3, `${each}: ${seconds} s`)
  }
  await rm(folder, { recursive: true })
})

test('without an embedded voice the answer is text, and nothing claims to speak', async () => {
  const started = await voice({ speech: { embedded_voice: { program: '/nowhere/espeak-ng' } } })
  const { client } = await connected(started)
  client.send('MESSAGE', { text: 'Aloud.', speak: true })
  assert.equal((await client.next('MESSAGE')).data['text'], 'Aloud.')
  client.send('STATUS')
  await client.next('STATUS')
  assert.deepEqual(client.audio, [])
})
