import { type Static, Type } from 'typebox'

export const GatewayConfig = Type.Object(
  {
    /** Requests of one principal a minute, before RATE_LIMITED. */
    rate_limit_per_minute: Type.Integer({ minimum: 1, maximum: 10_000_000, default: 60_000 }),
    /** Answers that recall or remember at once; those above wait for their turn, voice first. */
    answers_at_once: Type.Integer({ minimum: 1, maximum: 10_000, default: 8 }),
    sessions_max: Type.Integer({ minimum: 1, maximum: 100_000, default: 100 }),
    session_lifetime_seconds: Type.Integer({ minimum: 1, default: 1800 }),
    session_idle_seconds: Type.Integer({ minimum: 1, default: 600 }),
    /** Passages that recall hands to the model. */
    recall_limit: Type.Integer({ minimum: 0, maximum: 50, default: 6 }),
    recall_timeout_ms: Type.Integer({ minimum: 1, default: 2000 }),
    remember_timeout_ms: Type.Integer({ minimum: 1, default: 5000 }),
    model_timeout_ms: Type.Integer({ minimum: 1, default: 25_000 }),
    tool_timeout_ms: Type.Integer({ minimum: 1, maximum: 60_000, default: 5000 }),
    /** Model calls in one /v1/turn: the answer after the last tool included. */
    turn_steps_max: Type.Integer({ minimum: 1, maximum: 20, default: 5 }),
    idempotency_hours: Type.Integer({ minimum: 1, maximum: 720, default: 24 }),
  },
  { additionalProperties: false, default: {} },
)

export type GatewayConfig = Static<typeof GatewayConfig>
