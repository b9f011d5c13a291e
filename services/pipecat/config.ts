import { type Static, Type } from 'typebox'

const KIB = 1024
const MIB = KIB * KIB

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
    /** Bytes waiting for a client that reads slowly: at the first mark answers pause, at the second it is cut. */
    pause_at_bytes: Type.Integer({ minimum: KIB, default: MIB }),
    cut_at_bytes: Type.Integer({ minimum: KIB, default: 4 * MIB }),
    /** A client that takes nothing for this long while an answer waits for it is cut. */
    stalled_seconds: Type.Integer({ minimum: 1, default: 10 }),
    answer_timeout_ms: Type.Integer({ minimum: 1, default: 30_000 }),
  },
  { additionalProperties: false, default: {} },
)

export type VoiceConfig = Static<typeof VoiceConfig>
