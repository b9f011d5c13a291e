import { type Static, Type } from 'typebox'
import { TIERS, TOOLS } from './tiers.ts'

const List = <T extends Type.TSchema>(item: T) =>
  Type.Array(item, { minItems: 1, maxItems: 100, uniqueItems: true })

const Match = Type.Object(
  {
    tools: List(Type.Enum([...TOOLS])),
    tiers: Type.Optional(List(Type.Enum([...TIERS]))),
    principals: Type.Optional(List(Type.String({ pattern: '^[A-Za-z0-9_.:@-]{1,128}$' }))),
    /** Absolute paths of programs; only shell.run has one. */
    programs: Type.Optional(List(Type.String({ pattern: '^/[^\\s]{1,255}$' }))),
    /** Exact origins; only browser.open has one. */
    origins: Type.Optional(List(Type.String({ pattern: '^https?://[a-z0-9.:\\[\\]-]{1,253}$' }))),
  },
  { additionalProperties: false },
)

const Rule = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{1,63}$' }),
    description: Type.String({ minLength: 1, maxLength: 500 }),
    match: Match,
    effect: Type.Enum(['approve', 'require_approval', 'deny']),
    /** Life of the approval; at most what eva-os allows. */
    approval_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 120 })),
  },
  { additionalProperties: false },
)

/** One file under config/policies. Rules are asked in order, files in order of their names; the first match decides. */
export const PolicyFile = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    description: Type.String({ minLength: 1, maxLength: 500 }),
    default: Type.Literal('deny'),
    rules: Type.Array(Rule, { maxItems: 500 }),
  },
  { additionalProperties: false },
)

export type PolicyFile = Static<typeof PolicyFile>
export type PolicyRule = Static<typeof Rule>

/** The published form of the schema; config/policies/policy.schema.json holds exactly this. */
export function policyFileSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://sonia.invalid/schemas/policy.schema.json',
    title: 'SONIA policy file',
    ...(JSON.parse(JSON.stringify(PolicyFile)) as object),
  }
}
