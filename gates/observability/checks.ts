import { SERVICE_NAMES } from '#catalog'

/** Everything the gate counts. */
export const OBSERVABILITY_CHECKS = [
  'start',
  'answered',
  'request',
  ...SERVICE_NAMES.map((service) => `log-lines ${service}`),
  'exemplar',
  'exemplar-route',
  'error-code',
  'dashboard',
  'logs-command',
  'trace-command',
  'alert',
  'alert-rules',
  'inhibition',
  'retry',
  'annotations',
  'watchdog',
  'complete',
] as const

export type ObservabilityCheck = (typeof OBSERVABILITY_CHECKS)[number]
