/** Every metric the supervisor serves as job="sonia-ops". Names, labels and help are spelled here and nowhere else. */
export const OPS_METRICS = {
  sonia_service_restarts_total: {
    type: 'counter',
    labels: ['service'],
    help: 'Restarts of a service by the supervisor after it ended on its own',
  },
  sonia_service_restart_budget_exhausted: {
    type: 'gauge',
    labels: ['service'],
    help: '1 when the supervisor has given a service up, else 0',
  },
  sonia_stack_start_ready_seconds: {
    type: 'gauge',
    labels: ['cycle'],
    help: 'Time from the first spawn until all services were ready, per start',
  },
  sonia_stack_stop_seconds: {
    type: 'gauge',
    labels: ['cycle'],
    help: 'Time from the first SIGTERM until the last service had ended, per stop',
  },
  sonia_disk_size_bytes: {
    type: 'gauge',
    labels: ['path'],
    help: 'Size of the file system that holds the state',
  },
  sonia_disk_free_bytes: {
    type: 'gauge',
    labels: ['path'],
    help: 'Space left for this user on the file system that holds the state',
  },
  sonia_tool_resident_memory_bytes: {
    type: 'gauge',
    labels: ['tool'],
    help: 'Resident memory of Prometheus, Alertmanager, the Collector, k6 and the supervisor',
  },
  sonia_host_pressure_stalled_seconds_total: {
    type: 'counter',
    labels: ['resource'],
    help: 'Time in which some task waited for the resource (pressure stall information of the kernel)',
  },
  sonia_host_clock_offset_seconds: {
    type: 'gauge',
    labels: [],
    help: 'How far the wall clock was moved against the monotonic one since the supervisor started',
  },
  sonia_configuration_info: {
    type: 'gauge',
    labels: ['digest'],
    help: 'SHA-256 of sonia.json and the policies that the stack was started with, as they are now; always 1',
  },
  sonia_build_dirty: {
    type: 'gauge',
    labels: [],
    help: '1 when the working tree held changes that its commit does not, else 0',
  },
  sonia_host_cpus: { type: 'gauge', labels: [], help: 'Processors this user may run on' },
  sonia_gate_checks_total: {
    type: 'counter',
    labels: ['gate', 'check', 'outcome'],
    help: 'What the runner of a gate observed, every outcome from 0',
  },
  sonia_gate_check_duration_seconds: {
    type: 'gauge',
    labels: ['gate', 'check'],
    help: 'How long the last observation of this kind took',
  },
  sonia_load_planned_iterations: {
    type: 'gauge',
    labels: ['scenario'],
    help: 'Iterations the load plan asks for in the window',
  },
  sonia_load_failed_responses: {
    type: 'gauge',
    labels: [],
    help: 'Responses to the load of the soak that failed so far, as the load generator counted them',
  },
  sonia_load_error_budget_responses: {
    type: 'gauge',
    labels: [],
    help: 'Failed responses that lose the soak, however the rest of it goes',
  },
  sonia_gate_verdict: {
    type: 'gauge',
    labels: ['gate'],
    help: 'Verdict of the gate: 1 PASS, 0.5 INCONCLUSIVE, 0 FAIL',
  },
  sonia_gate_value: { type: 'gauge', labels: ['gate', 'criterion'], help: 'Judged value of a criterion' },
  sonia_gate_bound: {
    type: 'gauge',
    labels: ['gate', 'criterion'],
    help: 'Confidence bound that was compared',
  },
  sonia_gate_limit: { type: 'gauge', labels: ['gate', 'criterion'], help: 'Limit of the criterion' },
  sonia_gate_resolution: {
    type: 'gauge',
    labels: ['gate', 'criterion'],
    help: 'Smallest deviation this run could have seen',
  },
  sonia_backup_last_success_timestamp_seconds: {
    type: 'gauge',
    labels: [],
    help: 'When the newest backup was completed',
  },
  sonia_backup_last_verified_timestamp_seconds: {
    type: 'gauge',
    labels: [],
    help: 'When the newest backup was restored into a scratch folder and found whole',
  },
  sonia_backup_next_timestamp_seconds: {
    type: 'gauge',
    labels: [],
    help: 'When the next scheduled backup is due',
  },
  sonia_backup_failures_total: {
    type: 'counter',
    labels: [],
    help: 'Scheduled backups that failed',
  },
  sonia_backup_duration_seconds: { type: 'gauge', labels: [], help: 'How long the newest backup took' },
} as const satisfies Record<string, OpsMetric>

export interface OpsMetric {
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  readonly help: string
}

export type OpsMetricName = keyof typeof OPS_METRICS
