import type { SpeechConfig } from '../config.ts'
import { createEndpoint, type Endpoint } from './endpoint.ts'
import { createTranscription, type Transcribe } from './transcription.ts'
import { createUtterances, type Utterances } from './utterances.ts'
import { createVoiceActivity } from './voice-activity.ts'
import { createEmbeddedVoice, createRemoteVoice, hasProgram, type Voice } from './voices.ts'

/** What of speech is there: ears only with a transcription, a voice by configuration or by espeak-ng. */
export interface Speech {
  readonly transcribe: Transcribe | null
  readonly voice: Voice | null
  readonly createUtterances: () => Utterances
}

export interface SpeechNeeds {
  readonly readSecret: (reference: string) => string
  readonly onStop: (what: string, stop: () => Promise<void>) => void
  /** Told after every use: a provider that is configured and fails makes the service DEGRADED. */
  readonly onOutcome: (part: 'transcription' | 'voice', isGood: boolean) => void
}

export async function createSpeech(config: SpeechConfig, needs: SpeechNeeds): Promise<Speech> {
  const open = (settings: Parameters<typeof createEndpoint>[0]): Endpoint => {
    const endpoint = createEndpoint(settings, needs.readSecret)
    needs.onStop('speech provider', () => endpoint.close())
    return endpoint
  }
  const { transcription, voice, activity } = config
  return {
    transcribe:
      transcription === undefined
        ? null
        : watchedTranscribe(createTranscription(open(transcription), transcription), needs),
    voice:
      voice === undefined
        ? await embeddedVoice(config)
        : watchedVoice(createRemoteVoice(open(voice), { model: voice.model, voice: voice.voice }), needs),
    createUtterances: () =>
      createUtterances(
        createVoiceActivity({
          startDb: activity.start_db,
          stopDb: Math.min(activity.stop_db, activity.start_db),
          minimumDbfs: activity.minimum_dbfs,
          startMs: activity.start_ms,
          stopMs: activity.stop_ms,
        }),
        activity.utterance_ms_max,
      ),
  }
}

async function embeddedVoice({ embedded_voice: settings }: SpeechConfig): Promise<Voice | null> {
  const isThere = settings.enabled && (await hasProgram(settings.program))
  return isThere ? createEmbeddedVoice(settings) : null
}

function watchedTranscribe(transcribe: Transcribe, { onOutcome }: SpeechNeeds): Transcribe {
  return async (pcm, signal) => {
    try {
      const text = await transcribe(pcm, signal)
      onOutcome('transcription', true)
      return text
    } catch (error) {
      if (!signal.aborted) onOutcome('transcription', false)
      throw error
    }
  }
}

function watchedVoice(voice: Voice, { onOutcome }: SpeechNeeds): Voice {
  return async function* speak(text, signal) {
    try {
      yield* voice(text, signal)
      onOutcome('voice', true)
    } catch (error) {
      if (!signal.aborted) onOutcome('voice', false)
      throw error
    }
  }
}
