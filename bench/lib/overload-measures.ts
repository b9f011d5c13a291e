import type { Measure } from './bench-output.ts'
import type { Arrival } from './open-loop.ts'
import type { Outcome } from './overload-clients.ts'
import { bootstrapRounds, medianOf, quantile } from './paired-rounds.ts'

/** What one arm did in one round. */
export interface OverloadRound {
  readonly goodPerSecond: number
  readonly chats: readonly Arrival<Outcome>[]
  readonly health: readonly Arrival<Outcome>[]
  readonly voice: readonly Arrival<Outcome>[]
}

type Rounds = ReadonlyMap<string, readonly OverloadRound[]>

/** Who was not answered well has waited for good: no smaller figure would be honest. */
const NEVER_MS = 60_000
const TARGETS = { goodput: 0.9, latency: 2 }

/** Goodput kept, of each stack against its own peak; latency of health and voice against those without load. */
export function overloadMeasures(
  rounds: Rounds,
  { random, perSecond }: { readonly random: () => number; readonly perSecond: number },
): readonly Measure[] {
  const count = rounds.get('peak')?.length ?? 0
  const chosenOf = (arm: string, chosen: readonly number[]) =>
    chosen.flatMap((at) => rounds.get(arm)?.slice(at, at + 1) ?? [])
  const row = (name: string, unit: string, statistic: (chosen: readonly number[]) => number): Measure => ({
    name,
    unit,
    n: count,
    interval: bootstrapRounds(count, statistic, random),
  })
  const good = (arm: string) => (chosen: readonly number[]) =>
    medianOf(chosenOf(arm, chosen).map(({ goodPerSecond }) => goodPerSecond))
  const late = (arm: string, who: 'health' | 'voice') => (chosen: readonly number[]) =>
    p99Of(chosenOf(arm, chosen).flatMap((round) => round[who]))
  const share = (arm: string, outcome: Outcome) => (chosen: readonly number[]) =>
    shareOf(
      chosenOf(arm, chosen).flatMap(({ chats }) => chats),
      outcome,
    )
  const over = (above: (chosen: readonly number[]) => number, below: (chosen: readonly number[]) => number) =>
    ((chosen) => above(chosen) / below(chosen)) satisfies (chosen: readonly number[]) => number
  return [
    row('chats a second that were asked for', '/s', () => perSecond),
    ...['peak', 'shedding', 'peak without', 'without'].map((arm) =>
      row(`good chats a second: ${arm}`, '/s', good(arm)),
    ),
    {
      ...row('goodput kept: shedding / its peak', 'of peak', over(good('shedding'), good('peak'))),
      bound: { kind: 'at least', value: TARGETS.goodput },
    },
    row('goodput kept: without / its peak', 'of peak', over(good('without'), good('peak without'))),
    ...(['health', 'voice'] as const).flatMap((who) => [
      ...['unloaded', 'shedding', 'without'].map((arm) => row(`p99 ${who}: ${arm}`, 'ms', late(arm, who))),
      {
        ...row(
          `p99 ${who}: shedding / unloaded`,
          'of unloaded',
          over(late('shedding', who), late('unloaded', who)),
        ),
        bound: { kind: 'at most' as const, value: TARGETS.latency },
      },
      row(`p99 ${who}: without / unloaded`, 'of unloaded', over(late('without', who), late('unloaded', who))),
    ]),
    ...['shedding', 'without'].flatMap((arm) =>
      (['good', 'degraded', 'refused', 'late', 'failed'] as const).map((outcome) =>
        row(`chats that were ${outcome}: ${arm}`, 'share', share(arm, outcome)),
      ),
    ),
    row('p99 by which the sender was late: shedding', 'ms', (chosen) =>
      p99(chosenOf('shedding', chosen).flatMap(({ chats }) => chats.map(({ senderLateMs }) => senderLateMs))),
    ),
  ]
}

/** What is answered after the end of the round is no part of what was answered in it. */
export function goodPerSecond(
  chats: readonly Arrival<Outcome>[],
  { goodWithinMs, roundMs }: { readonly goodWithinMs: number; readonly roundMs: number },
): number {
  const good = chats.filter(
    ({ outcome, plannedMs, tookMs }) =>
      outcome === 'good' && tookMs <= goodWithinMs && plannedMs + tookMs <= roundMs,
  )
  return (good.length * 1000) / roundMs
}

export function p99Of(arrivals: readonly Arrival<Outcome>[]): number {
  return p99(
    arrivals.map(({ outcome, tookMs }) => (outcome === 'good' ? tookMs : Math.max(tookMs, NEVER_MS))),
  )
}

function p99(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.99,
  )
}

function shareOf(arrivals: readonly Arrival<Outcome>[], wanted: Outcome): number {
  return arrivals.filter(({ outcome }) => outcome === wanted).length / Math.max(1, arrivals.length)
}
