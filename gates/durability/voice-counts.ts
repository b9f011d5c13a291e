/** Sessions as the metrics of pipecat tell of them. */
export interface VoiceCounts {
  readonly created: number
  readonly closed: number
  readonly active: number
  /** Closed because their client read too slowly. */
  readonly overflows: number
}

/** Sums of a /metrics page over all labels but the named ones. */
export function voiceCounts(metrics: string): VoiceCounts {
  const lines = metrics.split('\n')
  const sum = (series: string) =>
    lines
      .filter((line) => line.startsWith(series))
      .reduce((total, line) => total + Number(line.split(' ')[1]), 0)
  return {
    created: sum('sonia_voice_sessions_created_total'),
    closed: sum('sonia_voice_sessions_closed_total'),
    active: sum('sonia_voice_sessions_active'),
    overflows: sum('sonia_voice_sessions_closed_total{reason="overflow"}'),
  }
}
