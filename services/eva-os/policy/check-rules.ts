import { type CallFacts, matches } from './judge.ts'
import type { PolicyRule } from './policy-file.ts'
import { possibleTiers } from './tiers.ts'

/** Calls looked at per rule before it is refused as too large to be checked. */
const CALLS_MAX = 20_000

/** Stands for every value that no rule names. Cannot be written in a policy file. */
const OTHER = '\u0000other'

/** What no schema can say: ids are unique, no destructive call without a person, every rule can decide something. */
export function checkRules(rules: readonly PolicyRule[]): string[] {
  return rules.flatMap((rule, index) => {
    const earlier = rules.slice(0, index)
    if (earlier.some(({ id }) => id === rule.id)) return [`rule ${rule.id}: the id is used twice`]
    return [...destructiveProblems(rule), ...reachProblems(rule, earlier, rules)]
  })
}

function destructiveProblems({ id, effect, match }: PolicyRule): string[] {
  if (effect !== 'approve') return []
  const mayDestroy = match.tiers === undefined || match.tiers.includes('TIER_3_DESTRUCTIVE')
  return mayDestroy ? [`rule ${id}: approves TIER_3_DESTRUCTIVE without a person; list its tiers`] : []
}

function reachProblems(
  rule: PolicyRule,
  earlier: readonly PolicyRule[],
  all: readonly PolicyRule[],
): string[] {
  let looked = 0
  for (const call of callsOf(rule, all)) {
    looked += 1
    if (looked > CALLS_MAX) return [`rule ${rule.id}: too many combinations to be checked; split it`]
    if (!earlier.some((other) => matches(other, call))) return []
  }
  const why = looked === 0 ? 'no call can match it' : 'earlier rules decide every call it matches'
  return [`rule ${rule.id}: unreachable, ${why}`]
}

/** One call for each combination of values that any rule tells apart, among those this rule matches. */
function* callsOf({ match }: PolicyRule, all: readonly PolicyRule[]): Generator<CallFacts> {
  const values = (dimension: 'principals' | 'programs' | 'origins') =>
    match[dimension] ?? [OTHER, ...new Set(all.flatMap((rule) => rule.match[dimension] ?? []))]
  const only = (dimension: 'programs' | 'origins', applies: boolean) => {
    if (applies) return values(dimension)
    return match[dimension] === undefined ? [null] : []
  }
  for (const tool of match.tools) {
    const choices = [
      possibleTiers(tool).filter((tier) => match.tiers?.includes(tier) ?? true),
      values('principals'),
      only('programs', tool === 'shell.run'),
      only('origins', tool === 'browser.open'),
    ] as const
    for (const [tier, principal, program, origin] of combinations(choices)) {
      yield { tool, tier, principal, program, origin }
    }
  }
}

type Lists = readonly (readonly unknown[])[]
type OneOfEach<L extends Lists> = { readonly [Place in keyof L]: L[Place][number] }

/** Every way to take one of each list, made one at a time: there can be more than memory holds. */
function* combinations<const L extends Lists>(lists: L): Generator<OneOfEach<L>> {
  const counts = lists.map((list) => list.length)
  const total = counts.reduce((product, count) => product * count, 1)
  for (let number = 0; number < total; number++) {
    let rest = number
    yield lists.map((list, place) => {
      const count = counts[place] ?? 1
      const chosen = list[rest % count]
      rest = Math.floor(rest / count)
      return chosen
    }) as unknown as OneOfEach<L>
  }
}
