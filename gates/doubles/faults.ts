/**
 * What can be made to go wrong, as data. A rule applies to the next `times` requests that match it (default: all), or
 * to every so many of them; the first matching rule wins.
 */
export type Fault =
  /** The connection is reset before any answer. */
  | { readonly kind: 'refuse' }
  | { readonly kind: 'status'; readonly status: number; readonly retry_after?: string }
  /** Nothing comes; with `headers` the status and an empty first chunk come, and then nothing. */
  | { readonly kind: 'stall_before_token'; readonly headers?: boolean }
  | { readonly kind: 'stall_after_token'; readonly tokens?: number }
  /** The connection is reset after some tokens; with `clean` the body ends properly, only too early. */
  | { readonly kind: 'cut'; readonly tokens?: number; readonly clean?: boolean }
  | { readonly kind: 'malformed_chunk'; readonly tokens?: number }
  | { readonly kind: 'error_event'; readonly tokens?: number }
  /** The stream ends after its finish, without the closing mark; with `stall` it stays open instead. */
  | { readonly kind: 'no_closing_mark'; readonly stall?: boolean }
  /** The answer is complete, but comes in single bytes. */
  | { readonly kind: 'slow_drip'; readonly delay_ms: number }
  /** The answer is complete, but its first byte waits. */
  | { readonly kind: 'delay'; readonly delay_ms: number }

export interface FaultRule {
  readonly fault: Fault
  /** Only requests for this model; all models when absent. */
  readonly model?: string
  /** How many requests it applies to; for all of them when absent. */
  readonly times?: number
  /** Only one in so many requests for the model: a share that is the same in every run. */
  readonly every?: number
  /** Which one of them, from 0. */
  readonly offset?: number
}

export interface FaultPlan {
  /** Replaces all rules. */
  set(rules: readonly FaultRule[]): void
  /** The fault for a request, used up by one. */
  take(model: string): Fault | null
  /** How many requests met a fault since the rules were set. */
  taken(): number
}

export function createFaultPlan(): FaultPlan {
  let rules: RuleState[] = []
  let taken = 0
  return {
    taken: () => taken,
    set(next) {
      taken = 0
      rules = next.map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY, seen: 0 }))
    },
    take(model) {
      // Each rule counts what it was asked about, also where another one wins.
      const due = rules.filter((state) => isDue(state, model))
      const [found] = due
      if (found === undefined) return null
      found.left--
      taken++
      return found.rule.fault
    },
  }
}

interface RuleState {
  readonly rule: FaultRule
  left: number
  seen: number
}

function isDue(state: RuleState, model: string): boolean {
  const { rule, left } = state
  if ((rule.model ?? model) !== model) return false
  const number = state.seen++
  return left > 0 && number % (rule.every ?? 1) === (rule.offset ?? 0)
}

const KINDS: ReadonlySet<string> = new Set<Fault['kind']>([
  'refuse',
  'status',
  'stall_before_token',
  'stall_after_token',
  'cut',
  'malformed_chunk',
  'error_event',
  'no_closing_mark',
  'slow_drip',
  'delay',
])

/** Rules out of a control request. Throws with the reason: a misspelt fault must not become "no fault". */
export function parseFaultRules(value: unknown): FaultRule[] {
  if (!Array.isArray(value)) throw new TypeError('rules must be an array')
  for (const rule of value as (Partial<FaultRule> | null)[]) {
    const kind: unknown = rule?.fault?.kind
    if (typeof kind !== 'string' || !KINDS.has(kind)) throw new TypeError(`unknown fault ${String(kind)}`)
    refuseEmptyShare(rule ?? {})
  }
  return value as FaultRule[]
}

function refuseEmptyShare({ every = 1, offset = 0 }: Partial<FaultRule>): void {
  const areWhole = Number.isInteger(every) && Number.isInteger(offset)
  if (areWhole && offset >= 0 && offset < every) return
  throw new TypeError(`a fault cannot be number ${offset} of every ${every} requests`)
}
