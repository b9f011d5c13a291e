export interface Lateness {
  readonly lost: number
  readonly late: number
}

/**
 * Frames that never came, and frames that came later than their predecessor by more than their interval and the
 * tolerance. A frame that waits holds back those behind it, but only the first of them counts as late.
 */
export function latenessOf(
  streams: readonly (readonly number[])[],
  plan: { readonly frames: number; readonly everyMs: number; readonly toleranceMs: number },
): Lateness {
  let lost = 0
  let late = 0
  for (const frames of streams) {
    lost += Math.max(0, plan.frames - frames.length)
    for (let index = 1; index < frames.length; index++) {
      const gapMs = (frames[index] ?? 0) - (frames[index - 1] ?? 0)
      if (gapMs > plan.everyMs + plan.toleranceMs) late++
    }
  }
  return { lost, late }
}
