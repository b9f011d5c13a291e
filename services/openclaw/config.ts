import { Type } from 'typebox'

const Origin = Type.String({ pattern: '^https?://[^/\\s?#@]+$' })

/** Section `services["openclaw"]` of sonia.json. */
export const openclawConfig = Type.Object(
  {
    shell: Type.Object(
      {
        enabled: Type.Boolean({ default: true }),
        memory_bytes_max: Type.Integer({ minimum: 16_777_216, default: 536_870_912 }),
        processes_max: Type.Integer({ minimum: 4, maximum: 1024, default: 64 }),
        output_bytes_max: Type.Integer({ minimum: 1024, maximum: 8_388_608, default: 1_048_576 }),
      },
      { additionalProperties: false, default: {} },
    ),
    browser: Type.Object(
      {
        enabled: Type.Boolean({ default: true }),
        /** `auto`: a Chromium where one is found and can be contained, plain HTTP otherwise. */
        engine: Type.Union([Type.Literal('auto'), Type.Literal('http')], { default: 'auto' }),
        /** Exact origins that may be opened although their address is not public. */
        allowed_origins: Type.Array(Origin, { default: [] }),
      },
      { additionalProperties: false, default: {} },
    ),
    file_tools: Type.Object(
      { enabled: Type.Boolean({ default: true }) },
      { additionalProperties: false, default: {} },
    ),
  },
  { additionalProperties: false },
)
