import { type Static, Type } from 'typebox'

const KIB = 1024
const MIB = KIB * KIB

const EXACT = { additionalProperties: false } as const
const FILLED = { additionalProperties: false, default: {} } as const
const Reference = Type.String({ pattern: '^(env|file):.+$' })

/** An OpenAI-compatible server for speech. */
const ENDPOINT = {
  base_url: Type.String({ minLength: 1, maxLength: 2000 }),
  model: Type.String({ minLength: 1, maxLength: 200 }),
  key: Type.Optional(Reference),
  timeout_ms: Type.Integer({ minimum: 1, maximum: 120_000, default: 15_000 }),
}

const Speech = Type.Object(
  {
    transcription: Type.Optional(
      Type.Object({ ...ENDPOINT, language: Type.Optional(Type.String({ maxLength: 16 })) }, EXACT),
    ),
    voice: Type.Optional(
      Type.Object({ ...ENDPOINT, voice: Type.String({ maxLength: 100, default: 'alloy' }) }, EXACT),
    ),
    /** Speaks where no voice is configured and the program is installed. */
    embedded_voice: Type.Object(
      {
        enabled: Type.Boolean({ default: true }),
        program: Type.String({ minLength: 1, default: 'espeak-ng' }),
        voice: Type.String({ pattern: '^[A-Za-z0-9+_-]{1,32}$', default: 'en' }),
        words_per_minute: Type.Integer({ minimum: 80, maximum: 450, default: 165 }),
      },
      FILLED,
    ),
    /** When sound is taken for speech; levels in decibels above the noise of the place. */
    activity: Type.Object(
      {
        start_db: Type.Number({ minimum: 1, maximum: 60, default: 12 }),
        stop_db: Type.Number({ minimum: 0, maximum: 60, default: 7 }),
        minimum_dbfs: Type.Number({ minimum: -90, maximum: 0, default: -50 }),
        start_ms: Type.Integer({ minimum: 20, maximum: 1_000, default: 60 }),
        stop_ms: Type.Integer({ minimum: 100, maximum: 5_000, default: 600 }),
        utterance_ms_max: Type.Integer({ minimum: 1_000, maximum: 120_000, default: 30_000 }),
      },
      FILLED,
    ),
  },
  FILLED,
)

export type SpeechConfig = Static<typeof Speech>

export const VoiceConfig = Type.Object(
  {
    idle_seconds: Type.Integer({ minimum: 1, default: 300 }),
    lifetime_seconds: Type.Integer({ minimum: 1, default: 1800 }),
    /** How long a session waits for its client to come back after a lost connection. */
    resume_seconds: Type.Integer({ minimum: 0, default: 30 }),
    sessions_max: Type.Integer({ minimum: 1, default: 20_000 }),
    ping_seconds: Type.Integer({ minimum: 1, default: 15 }),
    /** Messages of one client that wait for their answer; more are refused. */
    queued_messages_max: Type.Integer({ minimum: 1, default: 50 }),
    /** Bytes of text, and of sound, of one client that wait for their answer; more are refused. */
    queued_bytes_max: Type.Integer({ minimum: KIB, default: MIB }),
    /** Bytes waiting for a client that reads slowly: at the first mark answers pause, at the second it is cut. */
    pause_at_bytes: Type.Integer({ minimum: KIB, default: MIB }),
    cut_at_bytes: Type.Integer({ minimum: KIB, default: 4 * MIB }),
    /** A client that takes nothing for this long while an answer waits for it is cut. */
    stalled_seconds: Type.Integer({ minimum: 1, default: 10 }),
    answer_timeout_ms: Type.Integer({ minimum: 1, default: 30_000 }),
    speech: Speech,
  },
  { additionalProperties: false, default: {} },
)

export type VoiceConfig = Static<typeof VoiceConfig>
