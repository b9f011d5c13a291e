import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { ServiceError } from '#chassis/errors.ts'
import { type Endpoint, failure } from './endpoint.ts'
import { createResampler } from './resampler.ts'
import { SAMPLE_RATE_HZ } from './voice-activity.ts'
import { createWavReader } from './wav.ts'

/** Text to speech: 16 kHz mono samples as they come. */
export type Voice = (text: string, signal: AbortSignal) => AsyncIterable<Int16Array>

/** An OpenAI-compatible speech endpoint. WAV is asked for, because its header says the rate. */
export function createRemoteVoice(
  endpoint: Endpoint,
  settings: { readonly model: string; readonly voice: string },
): Voice {
  return async function* speak(text, signal) {
    const body = JSON.stringify({ ...settings, input: text, response_format: 'wav' })
    const headers = { 'content-type': 'application/json' }
    const answer = await endpoint.post({ path: '/audio/speech', body, headers, signal, limited: 'beginning' })
    yield* samplesOfWav(answer.body)
  }
}

export interface EmbeddedVoiceSettings {
  readonly program: string
  readonly voice: string
  readonly words_per_minute: number
}

const PROBE_MS = 3_000
/** A sentence is spoken in a fraction of this. */
const SENTENCE_MS_MAX = 10_000

/** espeak-ng as a child process: one for each sentence, the text on its standard input. */
export function createEmbeddedVoice({ program, voice, words_per_minute }: EmbeddedVoiceSettings): Voice {
  const args = ['--stdout', '--stdin', '-v', voice, '-s', String(words_per_minute)]
  return async function* speak(text, signal) {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(SENTENCE_MS_MAX)])
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'ignore'],
      signal: limit,
      killSignal: 'SIGKILL',
    })
    const ended = once(child, 'close').catch((cause: unknown) => {
      throw new ServiceError('UNAVAILABLE', 'The embedded voice failed', { cause })
    })
    ended.catch(() => undefined)
    child.stdin.on('error', () => undefined)
    child.stdin.end(text)
    // Taken whole before it is played: the process must not live as long as its sentence takes to say.
    const pieces: Buffer[] = []
    for await (const piece of child.stdout as AsyncIterable<Buffer>) pieces.push(piece)
    const [code] = (await ended) as [number | null]
    if (code !== 0) throw new ServiceError('UNAVAILABLE', 'The embedded voice failed')
    yield* samplesOfWav(pieces)
  }
}

/** Whether the program is there and starts. */
export async function hasProgram(program: string): Promise<boolean> {
  const child = spawn(program, ['--version'], { stdio: 'ignore', timeout: PROBE_MS })
  return once(child, 'close').then(
    ([code]) => code === 0,
    () => false,
  )
}

async function* samplesOfWav(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Int16Array> {
  const reader = createWavReader()
  let resample: ReturnType<typeof createResampler> | undefined
  try {
    for await (const piece of pieces) {
      const read = reader.push(Buffer.from(piece))
      if (read === null) continue
      resample ??= createResampler(read.sampleRateHz, SAMPLE_RATE_HZ)
      yield resample(read.samples)
    }
  } catch (cause) {
    throw failure(cause)
  }
  reader.end()
}
