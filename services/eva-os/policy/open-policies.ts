import { join } from 'node:path'
import type { Context, Parts } from '../context.ts'
import { createPolicyStore, type PolicyStore } from './policy-store.ts'

const PROBLEMS_RECORDED_MAX = 20

/** The policies of config/policies, with every change and rejection logged, recorded, measured and shown in the health. */
export function openPolicies(ctx: Context, { state }: Pick<Parts, 'state'>): PolicyStore {
  const valid = ctx.metrics.gauge('sonia_policy_valid')
  const tell = (problems: readonly string[]) => {
    const [first] = problems
    valid.set(first === undefined ? 1 : 0)
    ctx.health.degrade('policy', first === undefined ? null : `policy files are not in force: ${first}`)
  }
  const policies = createPolicyStore(
    { folder: join(ctx.paths.config, 'policies'), owners: [process.getuid?.() ?? 0, 0] },
    {
      onChanged: ({ version, rules }) => {
        const message = `a policy of ${rules.length} rules is in force`
        ctx.log.info({ operation: 'policy', policy_version: version }, message)
        tell([])
        state.record('policy_changed', { policy_version: version, rules: rules.length }, ctx.clock.nowMs())
      },
      onRejected: (problems) => {
        ctx.log.error({ operation: 'policy', problems }, 'policy files were rejected')
        tell(problems)
        const recorded = problems.slice(0, PROBLEMS_RECORDED_MAX)
        state.record('policy_rejected', { problems: recorded }, ctx.clock.nowMs())
      },
      onMended: () => tell([]),
    },
  )
  policies.current()
  return policies
}
