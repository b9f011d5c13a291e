import { FAILURE_CODES } from '#ops/thresholds.ts'

/** Expressions that several dashboards share. Counts of single services are in their own dashboards. */
export const DURATION = 'sonia_http_request_duration_seconds'
const FAILED = `code=~"${FAILURE_CODES.join('|')}"`

/** Share of requests that failed; 0 where none did, absent where nobody asked. */
export function errorRatio(window: string): string {
  const all = `sum(rate(${DURATION}_count{job="sonia"}[${window}]))`
  return `(sum(rate(${DURATION}_count{job="sonia",${FAILED}}[${window}])) or vector(0)) / (${all} > 0)`
}

export function errorRatioByService(window: string): string {
  const all = `sum by (service) (rate(${DURATION}_count{job="sonia"}[${window}]))`
  const failed = `sum by (service) (rate(${DURATION}_count{job="sonia",${FAILED}}[${window}]))`
  return `(${failed} or ${all} * 0) / (${all} > 0)`
}

export function p95(by: string, matcher = 'job="sonia"', window = '$__rate_interval'): string {
  return `histogram_quantile(0.95, sum by (${by}) (rate(${DURATION}_bucket{${matcher}}[${window}])))`
}

/** Data link to the page of the service that a line is about. */
export const TO_SERVICE = {
  title: 'This service',
  url: '/d/sonia-service?var-service=${__field.labels.service}&${__url_time_range}',
} as const
