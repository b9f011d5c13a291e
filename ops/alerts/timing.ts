const MINUTE = 60
const HOUR = 60 * MINUTE

/** How long alerts look back and wait, in seconds. Thresholds are elsewhere and never change with it. */
export interface AlertTiming {
  /** Window of rates: errors, latency, refusals. */
  readonly rateWindow: number
  /** A restart is worth a ticket for this long. */
  readonly eventWindow: number
  readonly downFor: number
  readonly ratioFor: number
  readonly shortFor: number
  readonly idleFor: number
  /** Memory: difference of two floors of this width, this far apart. */
  readonly growthFloor: number
  readonly growthSpan: number
  readonly growthFor: number
  /** Younger processes are left out: their earlier floor lies in their warm-up. */
  readonly growthMinAge: number
  /** Disk: the trend of this window, this far ahead. */
  readonly diskWindow: number
  readonly diskAhead: number
  readonly diskFor: number
  /** Gate budget: 10 % of it in the fast window, 25 % in the slow one. */
  readonly burnFast: number
  readonly burnSlow: number
}

/** Scrapes and evaluations every 15 s. A page for a dead service leaves within 90 s in the worst case. */
export const PRODUCTION_TIMING: AlertTiming = {
  rateWindow: 5 * MINUTE,
  eventWindow: 10 * MINUTE,
  // Longer than one evaluation: a service that is back after one failed scrape pages nobody.
  downFor: 20,
  ratioFor: 2 * MINUTE,
  shortFor: MINUTE,
  idleFor: 15 * MINUTE,
  // Longer than a large heap takes from one full collection to the next: a shorter floor pages for healthy processes.
  growthFloor: 2 * HOUR,
  growthSpan: HOUR,
  growthFor: 5 * MINUTE,
  growthMinAge: 5 * HOUR,
  diskWindow: 6 * HOUR,
  diskAhead: 24 * HOUR,
  diskFor: 30 * MINUTE,
  burnFast: HOUR,
  burnSlow: 6 * HOUR,
}

/** Scrapes and evaluations every second: the alert drill sees every alert rise and fall within seconds. */
export const DRILL_TIMING: AlertTiming = {
  rateWindow: 5,
  eventWindow: 30,
  downFor: 2,
  ratioFor: 1,
  shortFor: 1,
  idleFor: 1,
  growthFloor: 2,
  growthSpan: 4,
  growthFor: 1,
  // Only planted processes are that old: real ones grow by megabytes within seconds of their start.
  growthMinAge: 20 * 365 * 24 * HOUR,
  diskWindow: 5,
  diskAhead: MINUTE,
  diskFor: 1,
  burnFast: 5,
  burnSlow: 8,
}
