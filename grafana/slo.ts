import { FAILURE_CODES, THRESHOLDS } from '#ops/thresholds.ts'
import type { DashboardSpec } from './dashboard.ts'
import type { PanelSpec } from './panel.ts'
import { DURATION, errorRatio } from './queries.ts'

const OBJECTIVE = THRESHOLDS.soakErrorRatio
const CHAT = `${DURATION}_count{job="sonia",service="api-gateway",route="/v1/chat"`
const FAILED = `code=~"${FAILURE_CODES.join('|')}"`

/** Share of the error budget that is left over the chosen time; negative once it is overdrawn. */
const BUDGET_LEFT = `1 - ((sum(increase(${CHAT},${FAILED}}[$__range])) or vector(0)) / (sum(increase(${CHAT}}[$__range])) > 0)) / ${OBJECTIVE}`

const BUDGET: readonly PanelSpec[] = [
  {
    kind: 'number',
    title: 'Error budget left',
    description: `Of chat, over the chosen time: ${OBJECTIVE * 100} % of the requests may fail. Empty while nobody asks.`,
    unit: 'percentunit',
    queries: { left: BUDGET_LEFT },
    floors: { critical: 0, warning: 0.25 },
    width: 8,
  },
  {
    kind: 'number',
    title: 'Failed chats',
    description: 'Over the chosen time.',
    unit: 'short',
    queries: { failed: `sum(increase(${CHAT},${FAILED}}[$__range])) or vector(0)` },
    width: 8,
  },
  {
    kind: 'number',
    title: 'Chats',
    description: 'Over the chosen time, whatever their outcome.',
    unit: 'short',
    queries: { chats: `sum(increase(${CHAT}}[$__range]))` },
    width: 8,
  },
]

const BURN: readonly PanelSpec[] = [
  {
    kind: 'lines',
    title: 'Burn rate',
    description:
      'How many times faster than allowed the budget is used; at 1 it lasts exactly as long as the objective.',
    unit: 'none',
    queries: {
      '5 minutes': `${errorRatio('5m')} / ${OBJECTIVE}`,
      '1 hour': `${errorRatio('1h')} / ${OBJECTIVE}`,
      '6 hours': `${errorRatio('6h')} / ${OBJECTIVE}`,
    },
    limits: { warning: 1 },
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Requests slower than the limits',
    description: 'Exact shares: both limits are edges of the latency buckets.',
    unit: 'percentunit',
    queries: Object.fromEntries(
      Object.entries(THRESHOLDS.latencyP95Seconds).map(([level, seconds]) => [
        `slower than ${seconds} s (${level})`,
        `1 - sum(rate(${DURATION}_bucket{job="sonia",service="api-gateway",le="${seconds}.0"}[$__rate_interval])) / sum(rate(${DURATION}_count{job="sonia",service="api-gateway"}[$__rate_interval]))`,
      ]),
    ),
    limits: { critical: 0.05 },
    width: 12,
  },
]

export const SLO: DashboardSpec = {
  uid: 'sonia-slo',
  title: 'SONIA objectives and error budget',
  description: 'How much may still fail, and how fast that is being used up.',
  from: 'now-6h',
  rows: { 'Error budget': BUDGET, Burn: BURN },
}
