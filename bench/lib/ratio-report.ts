import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { type Arm, bootstrapRounds, type Interval, interleave, medianOf } from './paired-rounds.ts'

/** One arm: its work, timed per call in microseconds, `calls` at a time. */
export interface TimedArm {
  readonly name: string
  readonly once: () => Promise<void> | void
  /** Done before each call, and not timed. */
  readonly before?: () => Promise<void>
}

export interface RatioPlan {
  readonly bench: string
  readonly form: 'short' | 'long'
  readonly rounds: number
  readonly callsPerRound: number
  /** The arm that is judged, over the arm it is measured against. */
  readonly subject: string
  readonly reference: string
  readonly limit: number
}

export interface RatioResult {
  readonly bench: string
  readonly form: 'short' | 'long'
  readonly rounds: number
  readonly calls_per_round: number
  readonly p50_us: Readonly<Record<string, number>>
  readonly ratio: Interval
  readonly limit: number
  readonly within_limit: boolean
}

const SEED = 20_261_124

/** Interleaved rounds; the ratio of the two arms' medians, round by round, with a bootstrap interval over rounds. */
export async function measureRatio(plan: RatioPlan, arms: readonly TimedArm[]): Promise<RatioResult> {
  const timed: Arm<number>[] = arms.map((arm) => ({
    name: arm.name,
    run: () => medianTime(arm, plan.callsPerRound),
  }))
  // Code gets compiled and caches filled before anything counts.
  await interleave(timed, 1)
  const results = await interleave(timed, plan.rounds)
  const roundsOf = (name: string) => results.get(name) ?? []
  const ratios = roundsOf(plan.subject).map(
    (value, round) => value / (roundsOf(plan.reference)[round] ?? Number.NaN),
  )
  const pick = (chosen: readonly number[]) => medianOf(chosen.map((round) => ratios[round] ?? Number.NaN))
  const ratio = bootstrapRounds(plan.rounds, pick, mulberry32(SEED))
  return {
    bench: plan.bench,
    form: plan.form,
    rounds: plan.rounds,
    calls_per_round: plan.callsPerRound,
    p50_us: Object.fromEntries([...results].map(([name, values]) => [name, medianOf(values)])),
    ratio,
    limit: plan.limit,
    within_limit: ratio.high <= plan.limit,
  }
}

async function medianTime({ once, before }: TimedArm, calls: number): Promise<number> {
  const times: number[] = []
  for (let call = 0; call < calls; call++) {
    await before?.()
    const startedMs = performance.now()
    const result = once()
    if (result instanceof Promise) await result
    times.push((performance.now() - startedMs) * 1000)
  }
  return medianOf(times)
}

export function ratioTable(result: RatioResult): string {
  const { ratio } = result
  const arms = Object.entries(result.p50_us).map(
    ([name, us]) => `  ${name.padEnd(34)} p50 ${us.toFixed(1)} us`,
  )
  const interval = `[${ratio.low.toFixed(3)}, ${ratio.high.toFixed(3)}]`
  const verdict = result.within_limit ? 'within' : 'NOT within'
  return [
    `${result.bench} (${result.form}): ${result.rounds} rounds of ${result.calls_per_round} calls`,
    ...arms,
    `  ratio ${ratio.value.toFixed(3)} ${interval}, ${verdict} ${result.limit}`,
    '',
  ].join('\n')
}
