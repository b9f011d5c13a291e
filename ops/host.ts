/** What ops needs from the outside world; the command line's host is one of these. */
export interface OpsHost {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: OpsClock
}

export interface OpsClock {
  /** Wall clock, milliseconds since the epoch. */
  nowMs(): number
  /** Never steps back; only differences mean anything. */
  monotonicMs(): number
}
