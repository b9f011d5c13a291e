import { FormData } from 'undici'
import { ServiceError } from '#chassis/errors.ts'
import { type Endpoint, failure } from './endpoint.ts'
import { SAMPLE_RATE_HZ } from './voice-activity.ts'
import { encodeWav } from './wav.ts'

/** Speech (16 kHz mono PCM) to text; empty where nothing was said. */
export type Transcribe = (pcm: Buffer, signal: AbortSignal) => Promise<string>

const TEXT_CHARACTERS_MAX = 20_000

export function createTranscription(
  endpoint: Endpoint,
  settings: { readonly model: string; readonly language?: string },
): Transcribe {
  return async (pcm, signal) => {
    const form = new FormData()
    form.set(
      'file',
      new Blob([new Uint8Array(encodeWav(pcm, SAMPLE_RATE_HZ))], { type: 'audio/wav' }),
      'speech.wav',
    )
    form.set('model', settings.model)
    form.set('response_format', 'json')
    if (settings.language !== undefined) form.set('language', settings.language)
    const answer = await endpoint.post({
      path: '/audio/transcriptions',
      body: form,
      signal,
      limited: 'whole',
    })
    const value = await answer.body.json().catch((cause: unknown) => {
      throw failure(cause)
    })
    const { text } = (value ?? {}) as { text?: unknown }
    if (typeof text !== 'string') throw new ServiceError('UNAVAILABLE', 'The transcription has no text')
    return text.trim().slice(0, TEXT_CHARACTERS_MAX)
  }
}
