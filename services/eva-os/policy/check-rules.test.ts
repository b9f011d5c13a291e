import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { checkRules } from './check-rules.ts'
import { type CallFacts, judge } from './judge.ts'
import type { PolicyRule } from './policy-file.ts'
import { possibleTiers, TIERS, TOOLS } from './tiers.ts'

fc.configureGlobal({ seed: 20261124 })

const PRINCIPALS = ['alice', 'bob']
const PROGRAMS = ['/usr/bin/ls', '/usr/bin/rm']
const ORIGINS = ['https://a.example', 'https://b.example']

const some = <T>(values: readonly T[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }), { nil: undefined })

const anyRule = fc
  .record({
    tools: fc.uniqueArray(fc.constantFrom(...TOOLS), { minLength: 1 }),
    tiers: some(TIERS),
    principals: some(PRINCIPALS),
    programs: some(PROGRAMS),
    origins: some(ORIGINS),
    effect: fc.constantFrom('approve', 'require_approval', 'deny'),
  })
  .map(({ effect, ...match }) => ({ effect, match: withoutAbsent(match) }))

const anyPolicy = fc
  .array(anyRule, { maxLength: 6 })
  .map((rules) =>
    rules.map((rule, index) => ({ ...rule, id: `rule-${index}`, description: 'x' }) as PolicyRule),
  )

function withoutAbsent<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T
}

/** Every call that can be told apart, values that no rule names among them. */
function* allCalls(): Generator<CallFacts> {
  for (const tool of TOOLS) {
    const programs = tool === 'shell.run' ? [...PROGRAMS, '/other'] : [null]
    const origins = tool === 'browser.open' ? [...ORIGINS, 'https://other.example'] : [null]
    const ends = programs.flatMap((program) => origins.map((origin) => ({ program, origin })))
    const heads = possibleTiers(tool).flatMap((tier) =>
      [...PRINCIPALS, 'other'].map((principal) => ({ tool, tier, principal })),
    )
    for (const head of heads) for (const end of ends) yield { ...head, ...end }
  }
}

const CALLS = [...allCalls()]
const reported = (rules: readonly PolicyRule[], id: string) =>
  checkRules(rules).some((problem) => problem.startsWith(`rule ${id}: unreachable`))

test('a rule is called unreachable exactly when no call is ever decided by it', () => {
  fc.assert(
    fc.property(anyPolicy, (rules) => {
      const policy = { version: 'x', rules }
      const deciding = new Set(CALLS.map((call) => judge(policy, call).rule?.id))
      for (const { id } of rules) assert.equal(reported(rules, id), !deciding.has(id), id)
    }),
    { numRuns: 300 },
  )
})

test('no accepted policy approves a destructive call without a person, nor an unknown tool', () => {
  fc.assert(
    fc.property(anyPolicy, (rules) => {
      fc.pre(checkRules(rules).length === 0)
      const policy = { version: 'x', rules }
      for (const call of CALLS.filter(({ tier }) => tier === 'TIER_3_DESTRUCTIVE')) {
        assert.notEqual(judge(policy, call).decision, 'approved')
      }
      for (const call of CALLS)
        assert.equal(judge(policy, { ...call, tool: `${call.tool} ` }).decision, 'denied')
    }),
    { numRuns: 300 },
  )
})

test('a policy whose combinations cannot all be looked at is refused rather than believed', () => {
  const many = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}${index}`)
  const covering = {
    id: 'covering',
    description: 'x',
    effect: 'deny',
    match: { tools: ['shell.run'], principals: many('p', 100), programs: many('/p', 100) },
  } as unknown as PolicyRule
  assert.deepEqual(checkRules([covering, { ...covering, id: 'covered' }]), [
    'rule covered: too many combinations to be checked; split it',
  ])
})
