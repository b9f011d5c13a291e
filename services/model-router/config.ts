import { type Static, Type } from 'typebox'

/** The section services["model-router"] of sonia.json. Keys of providers come only by reference. */

/** A record lets other keys pass unchecked; assemble.ts refuses them. */
export const PROVIDER_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/
const Name = Type.String({ pattern: PROVIDER_NAME.source })
const Reference = Type.String({ pattern: '^(env|file):.+$' })
const Milliseconds = (byDefault: number) => Type.Integer({ minimum: 1, maximum: 600_000, default: byDefault })
const Dollars = Type.Number({ minimum: 0, default: 0 })

/**
 * Inside records and arrays TypeBox fills in defaults only below a schema that has a default itself; what is
 * required stays required.
 */
const FILLED = { additionalProperties: false, default: {} }

const ModelConfig = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    purpose: Type.Enum(['chat', 'embeddings'], { default: 'chat' }),
    usd_per_million_input_tokens: Dollars,
    usd_per_million_output_tokens: Dollars,
  },
  FILLED,
)

const ProviderConfig = Type.Object(
  {
    kind: Type.Enum(['openai', 'anthropic']),
    base_url: Type.String({ minLength: 1, maxLength: 2000 }),
    api_key: Type.Optional(Reference),
    models: Type.Array(ModelConfig, { minItems: 1, maxItems: 200 }),
    /**
     * Where the profile's limit is sent when the client set none. Servers differ: OpenAI's reasoning models refuse
     * max_tokens, older servers know nothing else.
     */
    output_limit_field: Type.Enum(['none', 'max_tokens', 'max_completion_tokens'], { default: 'none' }),
    connect_ms: Milliseconds(2_000),
    /** Requests at one time per model of this provider; more are not queued but go to the next candidate. */
    max_concurrent: Type.Integer({ minimum: 1, maximum: 1000, default: 64 }),
    /** Spending and use in one UTC day, counted since this process started. */
    usd_per_day: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    tokens_per_day: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  FILLED,
)

function profile(byDefault: { tokens: number; firstTokenMs: number; idleMs: number; completeMs: number }) {
  return Type.Object(
    {
      /** "provider/model" in order of preference; empty: every configured chat model in order of configuration. */
      candidates: Type.Array(Type.String({ pattern: '^[a-z0-9_-]+/.+$' }), { default: [], maxItems: 50 }),
      first_token_ms: Milliseconds(byDefault.firstTokenMs),
      idle_ms: Milliseconds(byDefault.idleMs),
      /** Longest time to a whole answer that is not streamed. */
      complete_ms: Milliseconds(byDefault.completeMs),
      max_output_tokens: Type.Integer({ minimum: 1, default: byDefault.tokens }),
      max_input_characters: Type.Integer({ minimum: 1, default: 400_000 }),
      /** After the first token: go on at another provider with what was already said. */
      continue_elsewhere: Type.Boolean({ default: false }),
    },
    { additionalProperties: false, default: {} },
  )
}

export const PROFILE_NAMES = ['chat_low_latency', 'reasoning_deep', 'tool_execution', 'memory_ops'] as const
export type ProfileName = (typeof PROFILE_NAMES)[number]

/** A closed set, so that metrics by profile stay bounded; one profile can be set without naming the others. */
const Profiles = Type.Object(
  {
    chat_low_latency: profile({ tokens: 4096, firstTokenMs: 10_000, idleMs: 10_000, completeMs: 25_000 }),
    reasoning_deep: profile({ tokens: 32_768, firstTokenMs: 60_000, idleMs: 30_000, completeMs: 240_000 }),
    tool_execution: profile({ tokens: 2048, firstTokenMs: 10_000, idleMs: 10_000, completeMs: 25_000 }),
    memory_ops: profile({ tokens: 1024, firstTokenMs: 10_000, idleMs: 10_000, completeMs: 25_000 }),
  },
  { additionalProperties: false, default: {} },
)

export const RouterConfig = Type.Object(
  {
    providers: Type.Record(Name, ProviderConfig, { default: {}, maxProperties: 50 }),
    profiles: Profiles,
    default_profile: Type.Enum([...PROFILE_NAMES], { default: 'chat_low_latency' }),
    /** The embedded stand-in as the last candidate of every profile; false: fail instead. */
    embedded: Type.Boolean({ default: true }),
    breaker: Type.Object(
      {
        consecutive_failures: Type.Integer({ minimum: 1, maximum: 100, default: 5 }),
        open_ms: Milliseconds(10_000),
      },
      { additionalProperties: false, default: {} },
    ),
    /** How long a model or provider rests after an answer that asking again soon will not change. */
    quarantine_ms: Milliseconds(60_000),
  },
  { additionalProperties: false },
)

export type RouterConfig = Static<typeof RouterConfig>
export type ProviderConfig = Static<typeof ProviderConfig>
export type ProfileConfig = RouterConfig['profiles'][ProfileName]
