import { promDuration } from '../rendering/durations.ts'
import { THRESHOLDS } from '../thresholds.ts'
import type { AlertRule } from './alert-rule.ts'
import type { AlertTiming } from './timing.ts'

const HOUR_SECONDS = 3_600
const RESIDENT = 'process_resident_memory_bytes{job="sonia"}'

/** Memory and disk. */
export function resourceAlerts(timing: AlertTiming): readonly AlertRule[] {
  const used = '1 - sonia_disk_free_bytes / sonia_disk_size_bytes'
  return [
    ...(['critical', 'warning'] as const).map(
      (severity): AlertRule => ({
        alert: 'MemoryGrowth',
        severity,
        expr: growth(timing, THRESHOLDS.memoryGrowthBytesPerHour[severity]),
        forSeconds: timing.growthFor,
        summary: 'Memory of {{ $labels.service }} grows',
        description: `Its lowest resident memory rose by {{ $value | humanize1024 }}B per hour; ${THRESHOLDS.memoryGrowthBytesPerHour[severity] / 1_024 / 1_024} MiB is too much.`,
        dashboard: 'sonia-service',
      }),
    ),
    {
      alert: 'DiskAlmostFull',
      severity: 'critical',
      service: 'host',
      expr: `max(${used}) > ${THRESHOLDS.diskUsedRatio.critical}`,
      forSeconds: timing.shortFor,
      summary: 'The disk of the state folder is almost full',
      description:
        '{{ $value | humanizePercentage }} of it are used. A full disk stops memory, audit and backups.',
      dashboard: 'sonia-production',
    },
    {
      alert: 'DiskFillsUp',
      severity: 'warning',
      service: 'host',
      expr: `min(predict_linear(sonia_disk_free_bytes[${promDuration(timing.diskWindow)}], ${timing.diskAhead})) < 0 and max(${used}) > ${THRESHOLDS.diskUsedRatio.watched}`,
      forSeconds: timing.diskFor,
      summary: 'The disk of the state folder fills up',
      description: `At the pace of the last ${promDuration(timing.diskWindow)} it is full within ${promDuration(timing.diskAhead)}.`,
      dashboard: 'sonia-production',
    },
  ]
}

/**
 * Difference of two floors: the slope of raw memory alerts falsely at every garbage collection. A young process is left
 * out until the earlier floor lies behind its warm-up; after a restart the comparison starts anew.
 */
function growth(timing: AlertTiming, bytesPerHour: number): string {
  const floor = promDuration(timing.growthFloor)
  const span = promDuration(timing.growthSpan)
  const now = `min by (service) (min_over_time(${RESIDENT}[${floor}]))`
  const before = `min by (service) (min_over_time(${RESIDENT}[${floor}] offset ${span}))`
  const old = `time() - max by (service) (process_start_time_seconds{job="sonia"}) > ${timing.growthMinAge}`
  const scale = HOUR_SECONDS / timing.growthSpan
  return `(${now} - ${before})${scale === 1 ? '' : ` * ${scale}`} > ${bytesPerHour} and on (service) (${old})`
}
