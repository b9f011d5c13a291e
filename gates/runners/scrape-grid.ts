import { type GateContext, pause } from './gate-context.ts'

type Grid = Pick<GateContext, 'host' | 'signal' | 'profile'>

/** Waits for a start on the scrape grid with at least one scrape before it; seconds since the epoch. */
export async function openWindow(context: Grid): Promise<number> {
  const step = context.profile.scrapeSeconds
  const start = (Math.floor(context.host.clock.nowMs() / 1000 / step) + 2) * step
  await waitUntilSecond(context, start)
  return start
}

/**
 * Freezes an end on the scrape grid after everything counted so far was scraped at least once, and waits until no
 * scrape begun before it can still be on its way: the answer at this end never changes again.
 */
export async function freezeEnd(context: Grid & Pick<GateContext, 'tree'>): Promise<number> {
  await context.tree.look()
  const step = context.profile.scrapeSeconds
  const end = (Math.floor(context.host.clock.nowMs() / 1000 / step) + 2) * step
  await waitUntilSecond(context, end + Math.max(step, 1))
  return end
}

async function waitUntilSecond(context: Grid, second: number): Promise<void> {
  // The wall clock may be set while this waits: look again instead of sleeping once.
  for (;;) {
    const leftMs = second * 1000 - context.host.clock.nowMs()
    if (leftMs <= 0) return
    await pause(context, Math.min(leftMs, 1000))
  }
}
