import type { PolicyRule } from './policy-file.ts'
import { isTool, type Tier } from './tiers.ts'

export interface Policy {
  /** Digest of the names and bytes of its files. */
  readonly version: string
  readonly rules: readonly PolicyRule[]
}

/** Everything about a call that a rule can ask for. */
export interface CallFacts {
  readonly tool: string
  readonly tier: Tier
  readonly principal: string
  readonly program: string | null
  readonly origin: string | null
}

export const DECISIONS = ['approved', 'approval_required', 'denied'] as const
export type Decision = (typeof DECISIONS)[number]

export interface Judgement {
  readonly decision: Decision
  readonly reason: string
  /** The rule that decided; null where none matched. */
  readonly rule: PolicyRule | null
}

const DECISION_OF = {
  approve: 'approved',
  require_approval: 'approval_required',
  deny: 'denied',
} as const satisfies Record<PolicyRule['effect'], Decision>

/** The first rule that matches decides; where none does, or the tool is unknown, the call is denied. */
export function judge(policy: Policy, facts: CallFacts): Judgement {
  if (!isTool(facts.tool)) return { decision: 'denied', reason: 'unknown tool', rule: null }
  const rule = policy.rules.find((candidate) => matches(candidate, facts))
  if (rule === undefined)
    return { decision: 'denied', reason: 'no rule allows this (default deny)', rule: null }
  return { decision: DECISION_OF[rule.effect], reason: `rule ${rule.id}`, rule }
}

export function matches({ match }: PolicyRule, facts: CallFacts): boolean {
  return (
    isListed(match.tools, facts.tool) &&
    isListed(match.tiers, facts.tier) &&
    isListed(match.principals, facts.principal) &&
    isListed(match.programs, facts.program) &&
    isListed(match.origins, facts.origin)
  )
}

/** A list that is absent asks for nothing; a fact that is absent satisfies no list. */
function isListed(list: readonly string[] | undefined, value: string | null): boolean {
  return list === undefined || (value !== null && list.includes(value))
}

/** True where `now` forbids more than `then`. */
export function isStricter(now: Decision, then: Decision): boolean {
  return DECISIONS.indexOf(now) > DECISIONS.indexOf(then)
}
