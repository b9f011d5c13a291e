import { type Static, Type } from 'typebox'

/** Where a secret stands: Alertmanager reads the file itself, so no secret enters its configuration. */
const SecretFile = Type.String({ pattern: '^file:.+' })
const Address = Type.String({ pattern: '^https?://.+' })
const strict = { additionalProperties: false } as const

/** Alertmanager's own JSON, to anything that listens. */
const Webhook = Type.Object(
  {
    kind: Type.Literal('webhook'),
    /** Some addresses are secrets themselves; those stand in a file. */
    url: Type.Union([Address, SecretFile]),
    bearer_token: Type.Optional(SecretFile),
  },
  strict,
)

const Email = Type.Object(
  {
    kind: Type.Literal('email'),
    to: Type.String({ minLength: 1 }),
    from: Type.String({ minLength: 1 }),
    /** host:port */
    smarthost: Type.String({ pattern: '^.+:[0-9]+$' }),
    username: Type.Optional(Type.String({ minLength: 1 })),
    password: Type.Optional(SecretFile),
    /** Off only for a relay on this machine. */
    require_tls: Type.Optional(Type.Boolean()),
  },
  strict,
)

const Slack = Type.Object(
  { kind: Type.Literal('slack'), url: SecretFile, channel: Type.String({ minLength: 1 }) },
  strict,
)

const PagerDuty = Type.Object(
  {
    kind: Type.Literal('pagerduty'),
    routing_key: SecretFile,
    /** For its European region, or a relay. */
    url: Type.Optional(Address),
  },
  strict,
)

/** By kind, so that a problem is told about the kind that was meant. */
export const TARGET_KINDS = { webhook: Webhook, email: Email, slack: Slack, pagerduty: PagerDuty } as const

export type Target =
  | Static<typeof Webhook>
  | Static<typeof Email>
  | Static<typeof Slack>
  | Static<typeof PagerDuty>
