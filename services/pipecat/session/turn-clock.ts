import type { Clock } from '#chassis/clock.ts'
import type { ServiceMetrics } from '#chassis/metrics.ts'

export type TurnKind = 'typed' | 'spoken'
export type TurnStage =
  | 'endpointing'
  | 'transcription'
  | 'first_token'
  | 'first_sentence'
  | 'voice'
  | 'first_audio'
  | 'answer'

/** Where the time of one turn went. Each stage is told once: to the metrics, and to the client with the answer. */
export interface TurnClock {
  /** The stage took the time since the last one ended. */
  lap(stage: TurnStage): void
  /** The stage took the time since the turn began. */
  total(stage: TurnStage): void
  /** Milliseconds by stage, so far. */
  timings(): Readonly<Partial<Record<TurnStage, number>>>
}

export interface TurnClockNeeds {
  readonly kind: TurnKind
  /** The end of speech, or the arrival of the message; on `clock.monotonicMs()`. */
  readonly beganAtMs: number
  readonly clock: Clock
  readonly metrics: ServiceMetrics
}

export function createTurnClock({ kind, beganAtMs, clock, metrics }: TurnClockNeeds): TurnClock {
  const timings: Partial<Record<TurnStage, number>> = {}
  let lapAtMs = beganAtMs
  const tell = (stage: TurnStage, fromMs: number): void => {
    if (timings[stage] !== undefined) return
    const tookMs = Math.max(0, clock.monotonicMs() - fromMs)
    timings[stage] = Math.round(tookMs)
    metrics.histogram('sonia_voice_turn_stage_seconds').observe({ kind, stage }, tookMs / 1000)
  }
  return {
    lap(stage) {
      tell(stage, lapAtMs)
      lapAtMs = clock.monotonicMs()
    },
    total: (stage) => tell(stage, beganAtMs),
    timings: () => timings,
  }
}
