import type { OnAbort } from './providers/watch.ts'
import type { ChatCompletionRequest, ChatMessage, Passage, Usage } from './wire.ts'

/** One thing that answers: an OpenAI-compatible endpoint, Anthropic, or the embedded stand-in. */
export interface Provider {
  readonly id: string
  readonly kind: 'openai' | 'anthropic' | 'embedded'
  readonly models: readonly ModelEntry[]
  /** A whole answer in OpenAI's format. */
  complete(call: ModelCall): Promise<Completion>
  /** The same as a stream; ends normally only after the answer is complete. */
  stream(call: ModelCall): AsyncIterable<StreamPart>
  /** Answers of `/v1/embeddings`; null where the provider has none. */
  readonly embed: ((call: EmbeddingCall) => Promise<Record<string, unknown>>) | null
  close(): Promise<void>
}

export interface ModelEntry {
  readonly name: string
  readonly purpose: 'chat' | 'embeddings'
  readonly usdPerMillionInputTokens: number
  readonly usdPerMillionOutputTokens: number
}

export interface Timeouts {
  readonly firstTokenMs: number
  readonly idleMs: number
  readonly completeMs: number
}

export interface ModelCall {
  readonly model: string
  readonly body: Omit<ChatCompletionRequest, 'messages' | 'sonia' | 'model'>
  readonly messages: readonly ChatMessage[]
  readonly context: readonly Passage[]
  /** The smaller of what the client and the profile allow. */
  readonly outputTokensMax: number
  readonly timeouts: Timeouts
  readonly correlationId: string
  /** Tells when the caller has gone or its deadline passed. */
  readonly onAbort: OnAbort
}

export interface EmbeddingCall {
  readonly model: string
  readonly body: Record<string, unknown>
  readonly timeouts: Timeouts
  readonly onAbort: OnAbort
}

export interface Completion {
  readonly body: Record<string, unknown>
  readonly usage: Usage | null
}

/** One piece of a stream: the bytes to pass on and what they mean. */
export interface StreamPart {
  readonly raw: Buffer
  /** The chunk in the bytes; null for comments and the closing mark. */
  readonly chunk: Readonly<Record<string, unknown>> | null
  /** Visible text in this part. */
  readonly text: string
  /** The first part for which this is true is "the first token". */
  readonly hasToken: boolean
  readonly beginsToolCall: boolean
  /** A finish_reason was given: nothing more is missing but the closing mark. */
  readonly isFinished: boolean
  /** The closing mark itself. */
  readonly isEnd: boolean
  readonly usage: Usage | null
}

/** A part that means nothing by itself; the others are made from it. */
export const QUIET_PART: StreamPart = {
  raw: Buffer.alloc(0),
  chunk: null,
  text: '',
  hasToken: false,
  beginsToolCall: false,
  isFinished: false,
  isEnd: false,
  usage: null,
}
