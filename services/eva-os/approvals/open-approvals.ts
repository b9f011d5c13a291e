import { randomBytes } from 'node:crypto'
import { ServiceError } from '#chassis/errors.ts'
import type { Context, Parts } from '../context.ts'
import { judge, type Policy } from '../policy/judge.ts'
import { approvalTable } from './approval-table.ts'
import { type Approvals, createApprovals } from './approvals.ts'

const TOKEN_BYTES = 16
const RETRY_SECONDS = 10

export function openApprovals(
  ctx: Context,
  { state, guard, policy }: Pick<Parts, 'state' | 'guard'> & { readonly policy: () => Policy },
): Approvals {
  const pendingGauge = ctx.metrics.gauge('sonia_approvals_pending')
  const counter = ctx.metrics.counter('sonia_approvals_total')
  const table = approvalTable(state.store.connection)
  pendingGauge.set(table.pendingCount())
  return createApprovals({
    table,
    durably: state.store.durably,
    nowMs: guard.nowMs,
    audit: state.audit.append,
    newTokenId: () => `apr_${randomBytes(TOKEN_BYTES).toString('hex')}`,
    runId: ctx.settings.runId,
    pendingMax: ctx.config.approvals_pending_max,
    judgeNow: (facts) => judge(policy(), facts),
    onTooMany: () =>
      new ServiceError('RATE_LIMITED', 'Too many calls wait for approval', {
        retryAfterSeconds: RETRY_SECONDS,
      }),
    onChange: (decision, count, pending) => {
      counter.inc({ decision }, count)
      pendingGauge.set(pending)
    },
  })
}
