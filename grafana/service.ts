import { THRESHOLDS } from '#ops/thresholds.ts'
import type { DashboardSpec } from './dashboard.ts'
import type { PanelSpec } from './panel.ts'
import { DURATION, p95 } from './queries.ts'

const CHOSEN = 'job="sonia",service=~"$service"'

const REQUESTS: readonly PanelSpec[] = [
  {
    kind: 'lines',
    title: 'Requests per second',
    description: 'By route; health checks and metrics are left out.',
    unit: 'reqps',
    queries: {
      '{{service}} {{route}}': `sum by (service, route) (rate(${DURATION}_count{${CHOSEN}}[$__rate_interval]))`,
    },
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Answers by code',
    description: 'Every code but OK, per second. CLIENT_ABORTED: the client left before the answer.',
    unit: 'reqps',
    queries: {
      '{{service}} {{code}}': `sum by (service, code) (rate(${DURATION}_count{${CHOSEN},code!="OK"}[$__rate_interval]))`,
    },
    width: 12,
  },
  {
    kind: 'heatmap',
    title: 'Durations',
    description:
      'How requests spread over the latency buckets. Diamonds are single requests and link to their traces.',
    unit: 's',
    queries: { '{{le}}': `sum by (le) (rate(${DURATION}_bucket{${CHOSEN}}[$__rate_interval]))` },
    exemplars: true,
    width: 12,
  },
  {
    kind: 'lines',
    title: 'p95 by route',
    description: '95 of 100 requests are faster. Points link to the trace of one request.',
    unit: 's',
    queries: { '{{service}} {{route}}': p95('service, route, le', CHOSEN) },
    limits: THRESHOLDS.latencyP95Seconds,
    exemplars: true,
    width: 12,
    height: 9,
  },
  {
    kind: 'lines',
    title: 'Oldest request in flight',
    description: 'A request this old waits for something that does not come.',
    unit: 's',
    queries: { '{{service}}': `sonia_http_oldest_in_flight_seconds{${CHOSEN}}` },
    limits: THRESHOLDS.oldestInFlightSeconds,
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Requests in flight',
    description: 'Begun and not yet ended.',
    unit: 'short',
    queries: { '{{service}}': `sum by (service) (sonia_http_requests_in_flight{${CHOSEN}})` },
    width: 12,
  },
]

const PROCESS: readonly PanelSpec[] = [
  {
    kind: 'lines',
    title: 'Event loop lag, p99',
    description: 'How late timers came; the whole service waits that long.',
    unit: 's',
    queries: { '{{service}}': `nodejs_eventloop_lag_p99_seconds{${CHOSEN}}` },
    width: 8,
  },
  {
    kind: 'lines',
    title: 'Garbage collection',
    description: 'Share of time spent collecting, by kind.',
    unit: 'percentunit',
    queries: {
      '{{service}} {{kind}}': `sum by (service, kind) (rate(nodejs_gc_duration_seconds_sum{${CHOSEN}}[$__rate_interval]))`,
    },
    width: 8,
  },
  {
    kind: 'lines',
    title: 'Heap in use',
    description: 'Of the JavaScript heap; resident memory holds it and more.',
    unit: 'bytes',
    queries: { '{{service}}': `nodejs_heap_size_used_bytes{${CHOSEN}}` },
    width: 8,
  },
  {
    kind: 'lines',
    title: 'Open file descriptors',
    description: 'A line that only rises is a leak.',
    unit: 'short',
    queries: { '{{service}}': `process_open_fds{${CHOSEN}}` },
    width: 8,
  },
  {
    kind: 'lines',
    title: 'Active handles',
    description: 'Sockets, timers and child processes of the runtime.',
    unit: 'short',
    queries: { '{{service}}': `nodejs_active_handles_total{${CHOSEN}}` },
    width: 8,
  },
  {
    kind: 'lines',
    title: 'Processor time',
    description: 'Seconds of processor per second; 1 is one core.',
    unit: 'percentunit',
    queries: { '{{service}}': `rate(process_cpu_seconds_total{${CHOSEN}}[$__rate_interval])` },
    width: 8,
  },
]

const ONWARD: readonly PanelSpec[] = [
  {
    kind: 'lines',
    title: 'Circuit breakers',
    description: '0 closed, 0.5 half open, 1 open.',
    unit: 'none',
    queries: { '{{service}} -> {{destination}}': `sonia_breaker_state{${CHOSEN}}` },
    limits: { warning: 0.5, critical: 1 },
    width: 12,
  },
  {
    kind: 'lines',
    title: 'Repeated calls',
    description: 'Calls onward that were tried again, per second.',
    unit: 'reqps',
    queries: {
      '{{service}} -> {{destination}}': `sum by (service, destination) (rate(sonia_client_retries_total{${CHOSEN}}[$__rate_interval]))`,
    },
    width: 12,
  },
]

export const SERVICE: DashboardSpec = {
  uid: 'sonia-service',
  title: 'SONIA service',
  description:
    'One service, or some: what it is asked, how it answers, what its process does, whom it calls.',
  from: 'now-1h',
  hasServices: true,
  rows: { Requests: REQUESTS, Process: PROCESS, 'Calls onward': ONWARD },
}
