const RESTARTS_MAX = 3
const WINDOW_MS = 5 * 60 * 1_000

/** 3 restarts in 5 minutes; the next one in that time is refused and the service stays down. */
export interface RestartBudget {
  take(nowMs: number): boolean
}

export function createRestartBudget(restartsMax = RESTARTS_MAX): RestartBudget {
  let taken: readonly number[] = []
  return {
    take(nowMs) {
      const recent = taken.filter((at) => nowMs - at < WINDOW_MS)
      const granted = recent.length < restartsMax
      taken = granted ? [...recent, nowMs] : recent
      return granted
    },
  }
}
