/** What one provider may use in a UTC day. Kept in memory: a restart begins a new count (the router has no state). */
export interface Budget {
  isExceeded(nowMs: number): boolean
  spend(use: { usd: number; tokens: number }, nowMs: number): void
  readonly spent: (nowMs: number) => { readonly usd: number; readonly tokens: number }
}

const DAY_MS = 86_400_000

/** Checked before a request and charged after it, so it may be overrun by what is in flight at that moment. */
export function createBudget(limits: { usdPerDay: number; tokensPerDay: number }): Budget {
  let day = 0
  let usd = 0
  let tokens = 0

  function turnDay(nowMs: number): void {
    const today = Math.floor(nowMs / DAY_MS)
    if (today === day) return
    day = today
    usd = 0
    tokens = 0
  }

  return {
    isExceeded(nowMs) {
      turnDay(nowMs)
      return usd >= limits.usdPerDay || tokens >= limits.tokensPerDay
    },
    spend(use, nowMs) {
      turnDay(nowMs)
      usd += use.usd
      tokens += use.tokens
    },
    spent(nowMs) {
      turnDay(nowMs)
      return { usd, tokens }
    },
  }
}
