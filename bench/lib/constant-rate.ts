import { Pool } from 'undici'
import { mulberry32 } from '#gates/statistics/reference-series.ts'
import type { Measure } from './bench-output.ts'
import { type Arrival, openLoop } from './open-loop.ts'
import { type Arm, bootstrapRounds, interleave, medianOf, quantile } from './paired-rounds.ts'

export interface RatePlan {
  readonly rounds: number
  readonly roundMs: number
  readonly seed: number
  readonly perSecond: number
}

/** Latency of servers on these ports at a rate that does not depend on them; any answer but 200 ends the bench. */
export async function measureAtConstantRate(
  plan: RatePlan & { readonly path: string },
  ports: Readonly<Record<string, number>>,
): Promise<readonly Measure[]> {
  const pools = Object.entries(ports).map(([name, port]) => ({
    name,
    pool: new Pool(`http://127.0.0.1:${port}`, { connections: 256, pipelining: 1 }),
  }))
  try {
    return await measureAsked(
      plan,
      new Map(pools.map(({ name, pool }) => [name, () => get(pool, plan.path)])),
    )
  } finally {
    for (const { pool } of pools) await pool.destroy()
  }
}

async function get(pool: Pool, path: string): Promise<void> {
  const { statusCode, body } = await pool.request({ method: 'GET', path })
  await body.dump()
  if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}`)
}

/** The same for whatever is asked; the arms take turns. */
export async function measureAsked(
  { rounds, roundMs, seed, perSecond }: RatePlan,
  asks: ReadonlyMap<string, () => Promise<unknown>>,
): Promise<readonly Measure[]> {
  const arms: Arm<readonly Arrival<unknown>[]>[] = [...asks].map(([name, ask]) => ({
    name,
    run: () => openLoop(ask, { perSecond, durationMs: roundMs }),
  }))
  // Connections get opened and code compiled before anything counts.
  for (const { run } of arms) await run()
  const results = await interleave(arms, rounds)
  const random = mulberry32(seed)
  const row = (name: string, what: string, read: (round: readonly Arrival<unknown>[]) => number): Measure => {
    const figures = (results.get(name) ?? []).map(read)
    return {
      name: `open loop, ${perSecond} a second: ${what}, ${name}`,
      unit: 'ms',
      n: Math.floor((perSecond * roundMs) / 1000) * rounds,
      interval: bootstrapRounds(
        rounds,
        (chosen) => medianOf(chosen.map((at) => figures[at] ?? Number.NaN)),
        random,
      ),
    }
  }
  return [...asks.keys()].flatMap((name) => [
    row(name, 'p50', (round) => shareOf(round, 0.5, 'tookMs')),
    row(name, 'p99', (round) => shareOf(round, 0.99, 'tookMs')),
    row(name, 'p99 by which the sender was late', (round) => shareOf(round, 0.99, 'senderLateMs')),
  ])
}

function shareOf(
  arrivals: readonly Arrival<unknown>[],
  share: number,
  key: 'tookMs' | 'senderLateMs',
): number {
  return quantile(
    arrivals.map((arrival) => arrival[key]).toSorted((a, b) => a - b),
    share,
  )
}
