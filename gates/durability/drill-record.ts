import type { DurabilityCheck } from './drill-needs.ts'

/** Seed 4.4: the failure scenarios, and the checks of the drill that stand for each. */
export const SCENARIOS = {
  service_crash: ['kill', 'ledger', 'approval-kill', 'approval-ledger', 'session-kill', 'restarts'],
  disk_full: ['full-disk', 'second-disk'],
  data_corruption: ['damage', 'restore', 'restored-start', 'row', 'search'],
  operator_mistake: ['mistake-policies', 'mistake-configuration'],
} as const satisfies Readonly<Record<string, readonly DurabilityCheck[]>>

type Figures = Readonly<Record<string, string | number | null>>

interface Counts {
  held: number
  not_held: number
  readonly said: string[]
}

/** What the drill saw, for `restore-drill.json`: counts, times and figures, no verdict. */
export interface DrillRecord {
  count(check: DurabilityCheck, isHeld: boolean, said?: string): void
  time(check: DurabilityCheck, seconds: number): void
  note(figures: Figures): void
  toJson(): string
}

const SAID_MAX = 20

export function createDrillRecord(): DrillRecord {
  const checks = new Map<DurabilityCheck, Counts>()
  const seconds: Record<string, number> = {}
  const figures: Figures[] = []
  const countsOf = (check: DurabilityCheck): Counts => {
    const counts = checks.get(check) ?? { held: 0, not_held: 0, said: [] }
    checks.set(check, counts)
    return counts
  }
  return {
    count(check, isHeld, said) {
      const counts = countsOf(check)
      if (isHeld) counts.held += 1
      else counts.not_held += 1
      if (!isHeld && said !== undefined && counts.said.length < SAID_MAX) counts.said.push(said)
    },
    time(check, value) {
      seconds[check] = Math.round(value * 1000) / 1000
    },
    note: (one) => void figures.push(one),
    toJson() {
      const scenarios = Object.fromEntries(
        Object.entries(SCENARIOS).map(([name, members]) => [
          name,
          Object.fromEntries(members.map((check) => [check, countsOf(check)])),
        ]),
      )
      const record = { scenarios, checks: Object.fromEntries(checks), seconds, figures }
      return `${JSON.stringify(record, null, 2)}\n`
    },
  }
}
