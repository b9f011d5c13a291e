import type { DashboardSpec } from './dashboard.ts'
import type { PanelSpec } from './panel.ts'

const VERDICTS: readonly PanelSpec[] = [
  {
    kind: 'number',
    title: 'Verdict of each gate',
    description:
      '1 PASS, 0.5 INCONCLUSIVE, 0 FAIL; as the last run judged. The evidence bundle holds the proof.',
    unit: 'none',
    queries: { '{{gate}}': 'sonia_gate_verdict' },
    floors: { critical: 0.5, warning: 1 },
    width: 24,
  },
  {
    kind: 'table',
    title: 'Criteria',
    description: 'Judged value of every criterion, in its own unit.',
    unit: 'none',
    queries: { value: 'sonia_gate_value' },
    width: 12,
    height: 12,
  },
  {
    kind: 'table',
    title: 'Limits',
    description: 'What each value was compared with.',
    unit: 'none',
    queries: { limit: 'sonia_gate_limit' },
    width: 12,
    height: 12,
  },
]

const OBSERVED: readonly PanelSpec[] = [
  {
    kind: 'lines',
    title: 'Observations that held',
    description: 'Counted by the runners as they go.',
    unit: 'short',
    queries: { '{{gate}}': 'sum by (gate) (sonia_gate_checks_total{outcome="pass"})' },
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Observations that did not hold',
    description: 'Failed, late or in error.',
    unit: 'short',
    queries: { '{{gate}} {{outcome}}': 'sum by (gate, outcome) (sonia_gate_checks_total{outcome!="pass"})' },
    limits: { critical: 1 },
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Duration of the last observation',
    description: 'Restores, pages and other things that must not take long.',
    unit: 's',
    queries: { '{{gate}} {{check}}': 'sonia_gate_check_duration_seconds' },
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Pressure on the machine',
    description: 'Share of time in which some task waited: slowness then is not the product’s.',
    unit: 'percentunit',
    queries: { '{{resource}}': 'rate(sonia_host_pressure_stalled_seconds_total[$__rate_interval])' },
    width: 12,
  },
]

export const GATES: DashboardSpec = {
  uid: 'sonia-gates',
  title: 'SONIA gates',
  description: 'Runs of the release gates: verdicts, what they were judged by, what was observed.',
  from: 'now-6h',
  rows: { Verdicts: VERDICTS, Observations: OBSERVED },
}
