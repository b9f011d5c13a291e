import { type Static, Type } from 'typebox'

/** The OpenAI chat completion format as far as the router reads it; fields it does not know pass through. */

const Text = Type.String({ maxLength: 1_000_000 })
const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])

export const ChatMessage = Type.Object(
  {
    role: Type.Enum(['system', 'developer', 'user', 'assistant', 'tool']),
    content: Type.Optional(
      Type.Union([
        Text,
        Type.Array(Type.Object({ type: Type.String(), text: Type.Optional(Text) }), { maxItems: 1000 }),
        Type.Null(),
      ]),
    ),
    tool_call_id: Type.Optional(Type.String({ maxLength: 200 })),
    tool_calls: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 128 })),
  },
  { additionalProperties: true },
)

export const Passage = Type.Object({
  id: Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,100}$' }),
  content: Text,
})

const ToolDefinition = Type.Object(
  {
    type: Type.Literal('function'),
    function: Type.Object(
      { name: Type.String({ minLength: 1, maxLength: 100 }) },
      { additionalProperties: true },
    ),
  },
  { additionalProperties: true },
)

export const ChatCompletionRequest = Type.Object(
  {
    messages: Type.Array(ChatMessage, { minItems: 1, maxItems: 1000 }),
    model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    stream: Type.Optional(Nullable(Type.Boolean())),
    temperature: Type.Optional(Nullable(Type.Number({ minimum: 0, maximum: 2 }))),
    max_tokens: Type.Optional(Nullable(Type.Integer({ minimum: 1, maximum: 10_000_000 }))),
    max_completion_tokens: Type.Optional(Nullable(Type.Integer({ minimum: 1, maximum: 10_000_000 }))),
    /** One answer: a stream of several cannot be continued or judged complete. */
    n: Type.Optional(Nullable(Type.Literal(1))),
    tools: Type.Optional(Type.Array(ToolDefinition, { maxItems: 128 })),
    sonia: Type.Optional(
      Type.Object(
        {
          context: Type.Optional(Type.Array(Passage, { maxItems: 100 })),
          profile: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: true },
)

export type ChatMessage = Static<typeof ChatMessage>
export type Passage = Static<typeof Passage>
export type ChatCompletionRequest = Static<typeof ChatCompletionRequest>

export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** The text of a message, whether it came as a string or as parts. */
export function textOf(message: ChatMessage): string {
  if (typeof message.content === 'string') return message.content
  return (message.content ?? []).map((part) => part.text ?? '').join('\n')
}

/** `prompt_tokens` and `completion_tokens` of an answer, where both are there and can be counts. */
export function readUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null
  const { prompt_tokens: inputTokens, completion_tokens: outputTokens } = value
  return isTokenCount(inputTokens) && isTokenCount(outputTokens) ? { inputTokens, outputTokens } : null
}

/** A provider's word is not taken for what no count can be: counters cannot go down, budgets must not. */
export function isTokenCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
