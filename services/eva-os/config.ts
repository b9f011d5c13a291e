import { type Static, Type } from 'typebox'

const APPROVAL_SECONDS_MAX = 120
const TOKEN_SECONDS_MAX = 300

/** Verifiers fetch keys for an unknown id at most once in 5 s, so a new key must be public for longer than that. */
const KEY_LEAD_SECONDS_MIN = 6

/** The section services["eva-os"] of sonia.json. */
export const EvaOsConfig = Type.Object(
  {
    token_seconds: Type.Integer({ minimum: 5, maximum: TOKEN_SECONDS_MAX, default: TOKEN_SECONDS_MAX }),
    key_rotation_hours: Type.Number({ minimum: 0.01, maximum: 24, default: 24 }),
    key_lead_seconds: Type.Integer({ minimum: KEY_LEAD_SECONDS_MIN, maximum: 600, default: 10 }),
    approval_seconds: Type.Integer({
      minimum: 1,
      maximum: APPROVAL_SECONDS_MAX,
      default: APPROVAL_SECONDS_MAX,
    }),
    approvals_pending_max: Type.Integer({ minimum: 1, maximum: 50, default: 50 }),
    /** Requests for approval that one principal may make in a row, and in a minute. */
    approval_burst: Type.Integer({ minimum: 1, maximum: 1000, default: 20 }),
    approvals_per_minute: Type.Integer({ minimum: 1, maximum: 1000, default: 30 }),
    probe_seconds: Type.Number({ minimum: 0.2, maximum: 300, default: 5 }),
    /** Further people who may decide, besides the holder of config/operator.key, whose name is "operator". */
    operators: Type.Array(
      Type.Object(
        {
          name: Type.String({ pattern: '^[a-z0-9_-]{1,32}$' }),
          sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        },
        { additionalProperties: false },
      ),
      { default: [], maxItems: 100 },
    ),
  },
  { additionalProperties: false },
)

export type EvaOsConfig = Static<typeof EvaOsConfig>
