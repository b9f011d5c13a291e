import { type ChatMessage, type Passage, textOf } from '../wire.ts'
import { bestSentences } from './sentences.ts'
import { recogniseToolRequest, type ToolRequest } from './tool-grammar.ts'

export type EmbeddedAnswer =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tool'; readonly call: ToolRequest }

const SENTENCES_QUOTED = 3
const TOOL_RESULT_CHARACTERS = 1000
const NOTHING_FOUND =
  'I am the built-in stand-in, not a language model, and nothing I was given answers this. ' +
  'What you said is remembered; configure a model provider for real conversation.'

/** Pure and deterministic: the same messages and passages give the same answer. */
export function answerFrom(
  messages: readonly ChatMessage[],
  passages: readonly Passage[],
  offeredTools: readonly string[],
): EmbeddedAnswer {
  const last = messages.at(-1)
  if (last?.role === 'tool') return { kind: 'text', text: reportToolResult(textOf(last)) }
  const question = textOf(messages.findLast(({ role }) => role === 'user') ?? { role: 'user' })
  const call = recogniseToolRequest(question, offeredTools)
  if (call !== null) return { kind: 'tool', call }
  return { kind: 'text', text: quote(question, passages) }
}

function quote(question: string, passages: readonly Passage[]): string {
  const found = bestSentences(question, passages, SENTENCES_QUOTED)
  if (found.length === 0) return NOTHING_FOUND
  const quotes = found.map(({ sentence, passageId }) => `"${sentence}" [${passageId}]`)
  return `From what I remember (quoted by the built-in stand-in): ${quotes.join(' ')}`
}

function reportToolResult(result: string): string {
  const isCut = result.length > TOOL_RESULT_CHARACTERS
  return `The tool answered: ${result.slice(0, TOOL_RESULT_CHARACTERS)}${isCut ? ' ...' : ''}`
}
