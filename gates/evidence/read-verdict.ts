import { Type, type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { REASON_CODES, VERDICTS, type GateWindow, type Parameters, type RunVerdict } from '../engine/types.ts'

const closed = { additionalProperties: false } as const
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const Figure = nullable(Type.Number())
const VerdictWord = Type.Enum([...VERDICTS])
const Reasons = Type.Array(Type.Enum([...REASON_CODES]))

const SeriesSchema = Type.Object(
  {
    series: Type.String(),
    verdict: VerdictWord,
    reasons: Reasons,
    value: Figure,
    bound: Figure,
    resolution: Figure,
    samples: Type.Number(),
  },
  closed,
)

const QuerySchema = Type.Object(
  {
    role: Type.String(),
    query: Type.String(),
    kind: Type.Enum(['instant', 'range']),
    start: Figure,
    end: Type.Number(),
    step: Figure,
  },
  closed,
)

const CriterionSchema = Type.Object(
  {
    id: Type.String(),
    gate: Type.String(),
    title: Type.String(),
    why: Type.String(),
    judge: Type.String(),
    verdict: VerdictWord,
    reasons: Reasons,
    value: Figure,
    bound: Figure,
    limit: Figure,
    unit: Type.String(),
    resolution: Figure,
    samples: Type.Number(),
    series: Type.Array(SeriesSchema),
    queries: Type.Array(QuerySchema),
    sentence: Type.String(),
  },
  closed,
)

const NotJudgedSchema = Type.Object(
  {
    id: Type.String(),
    gate: Type.String(),
    title: Type.String(),
    needs_seconds: Type.Number(),
    planned_seconds: Type.Number(),
    sentence: Type.String(),
  },
  closed,
)

const ValidPartSchema = Type.Object(
  {
    start: Type.Number(),
    end: Type.Number(),
    share: Type.Number(),
    sentence: Type.String(),
  },
  closed,
)

const GateSchema = Type.Object(
  {
    gate: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,63}$' }),
    title: Type.String(),
    verdict: VerdictWord,
    start: Type.Number(),
    end: Type.Number(),
    planned_seconds: Type.Number(),
    valid_part: Type.Optional(ValidPartSchema),
    criteria: Type.Array(CriterionSchema),
    not_judged: Type.Array(NotJudgedSchema),
  },
  closed,
)

const ParametersSchema = Type.Record(
  Type.String(),
  Type.Union([Type.Number(), Type.String(), Type.Array(Type.String())]),
)

/** Published for readers of `verdict.json`. */
export const RunVerdictSchema = Type.Object(
  {
    schema: Type.Literal('sonia-verdict/1'),
    verdict: VerdictWord,
    parameters: ParametersSchema,
    gates: Type.Array(GateSchema),
    not_judged: Type.Array(NotJudgedSchema),
  },
  { ...closed, title: 'Verdict of a run' },
)

const InputsSchema = Type.Object(
  {
    parameters: ParametersSchema,
    windows: Type.Array(
      Type.Object(
        {
          gate: Type.String(),
          start: Type.Number(),
          end: Type.Number(),
          planned_seconds: Type.Number(),
          pause: Type.Optional(Type.Object({ start: Type.Number(), end: Type.Number() }, closed)),
        },
        closed,
      ),
    ),
  },
  closed,
)

export interface JudgingInputs {
  readonly parameters: Parameters
  readonly windows: readonly GateWindow[]
}

/** Reads `verdict.json` strictly: an unknown member or word is an error. */
export function parseVerdict(text: string): RunVerdict {
  return parseAs(RunVerdictSchema, text)
}

/** Reads `inputs.json`: what judging needs besides the criteria and the data. */
export function parseInputs(text: string): JudgingInputs {
  return parseAs(InputsSchema, text)
}

function parseAs<T extends TSchema>(schema: T, text: string): Static<T> {
  const value: unknown = JSON.parse(text)
  if (Value.Check(schema, value)) return value
  const [first] = Value.Errors(schema, value)
  throw new Error(`${first?.instancePath ?? ''} ${first?.message ?? 'does not fit the schema'}`.trim())
}
