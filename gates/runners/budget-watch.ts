import type { PrometheusClient } from '../engine/prometheus-client.ts'
import { type ErrorBudget, errorBudget, errorsSoFar } from './error-budget.ts'
import type { GateContext } from './gate-context.ts'
import type { LoadProcess } from './k6-process.ts'

export interface BudgetWatch {
  /** Looks once at what has failed so far. */
  look(): Promise<void>
}

type Watching = Pick<GateContext, 'profile' | 'host' | 'progress' | 'watch'>

/**
 * Ends the load with the error that loses the gate, and lets it be known: the figure goes to Prometheus, whose rule
 * pages. Stopping early for failure is exact, no number of later successes brings the budget back; stopping early for
 * success is not done.
 */
export function watchBudget(
  context: Watching,
  load: Pick<LoadProcess, 'stop'>,
  client: Pick<PrometheusClient, 'instant'>,
): BudgetWatch {
  const budget = errorBudget(context.profile)
  const { ops } = context.watch
  const report = (errors: number) => ops.setGauge('sonia_load_failed_responses', {}, errors)
  ops.setGauge('sonia_load_error_budget_responses', {}, budget.loses)
  report(0)
  let said = 0
  return {
    async look() {
      const errors = await errorsSoFar(client, context.host.clock.nowMs() / 1000)
      report(errors)
      const stage = stageOf(errors, budget)
      if (stage === 2 && said < 2) load.stop()
      if (stage > said) context.progress.say(sentenceOf(errors, budget))
      said = Math.max(said, stage)
    },
  }
}

/** 0: all is open; 1: no PASS any more; 2: lost. */
function stageOf(errors: number, { loses, unprovable }: ErrorBudget): 0 | 1 | 2 {
  if (errors >= loses) return 2
  return errors >= unprovable && errors > 0 ? 1 : 0
}

function sentenceOf(errors: number, { loses, unprovable }: ErrorBudget): string {
  if (errors >= loses) return `soak: ${errors} failed responses; ${loses} lose the gate: stopping the load`
  return `soak: ${errors} failed responses; from ${unprovable} on the gate cannot pass any more, ${loses} lose it`
}
