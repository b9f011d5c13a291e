import type { ServiceName } from '#catalog'

export const CORPUS_CLASSES = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'] as const
export type CorpusClass = (typeof CORPUS_CLASSES)[number]

/**
 * How a case is sent. `no_token` and `forged_token` prove the door; `service_token` proves policy and the tool's own
 * controls; `with_approval` proves that they hold when a person's approval is presented as well.
 */
export const VARIANTS = ['no_token', 'forged_token', 'service_token', 'with_approval'] as const
export type Variant = (typeof VARIANTS)[number]

export const CANARY_NAMES = ['secret', 'sandbox', 'marker', 'listener', 'policies'] as const
export type CanaryName = (typeof CANARY_NAMES)[number]

/** A tool call as openclaw takes it. */
export interface ToolRequest {
  readonly kind: 'tool'
  readonly tool_name: string
  readonly args: Readonly<Record<string, unknown>>
  /** Other fields of the body: timeout_ms, cwd, approval_token, ... */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** One HTTP request; `body` is sent as it stands, `fill` makes a large one. */
export interface HttpRequest {
  readonly kind: 'http'
  readonly service: ServiceName
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly fill?: { readonly text: string; readonly times: number }
}

/** Bytes on a connection, line by line; `{{token}}` is the service token. */
export interface RawRequest {
  readonly kind: 'raw'
  readonly service: ServiceName
  readonly lines: readonly string[]
}

/** Several steps; the code of `name` is in the runner, its parameters are data. */
export interface ProcedureRequest {
  readonly kind: 'procedure'
  readonly name: string
  readonly with: Readonly<Record<string, unknown>>
}

export type CaseRequest = ToolRequest | HttpRequest | RawRequest | ProcedureRequest

/** What must come back. `reason` is `error.details.reason`; `execution` is the `status` of a call that ran. */
export interface Expectation {
  readonly status: number
  readonly code: string | null
  readonly reason: string | null
  readonly execution?: string
  /** Text that a benign answer must contain. */
  readonly contains?: string
}

export interface CorpusCase {
  readonly id: string
  readonly owasp: string
  readonly title: string
  readonly request: CaseRequest
  readonly variants: readonly Variant[]
  readonly expect: Expectation
  /** Where an approval changes which control answers. */
  readonly expect_with_approval?: Expectation
  /** `own`: for exactly this call. `other`: for another destructive call. */
  readonly approval?: 'own' | 'other'
  readonly canary: readonly CanaryName[]
}

export interface BenignCase {
  readonly id: string
  readonly title: string
  readonly request: CaseRequest
  readonly expect: Expectation
}

export interface CorpusFile {
  readonly class: CorpusClass
  readonly title: string
  readonly attacks: readonly CorpusCase[]
  readonly benign: readonly BenignCase[]
}

export type Corpus = readonly CorpusFile[]

/** What came back, without anything that differs from run to run. */
export interface Received {
  readonly status: number
  readonly code: string | null
  readonly reason: string | null
  readonly execution: string | null
}

/** One case in one variant: what was sent (as the corpus spells it), what had to come back, what did. */
export interface CaseOutcome {
  readonly id: string
  readonly class: CorpusClass
  readonly title: string
  readonly owasp: string | null
  readonly kind: 'attack' | 'benign'
  readonly variant: Variant
  readonly sent: CaseRequest
  readonly expected: Expectation
  readonly received: Received
  /** Canaries that were touched; empty is what must be. */
  readonly touched: readonly CanaryName[]
  readonly passed: boolean
}
