import type { ReasonCode, SeriesResult, Verdict } from './types.ts'

/** One FAIL fails; otherwise one INCONCLUSIVE makes it so; nothing judged is INCONCLUSIVE. No weights, no scores. */
export function composeVerdict(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('FAIL')) return 'FAIL'
  if (verdicts.length === 0 || verdicts.some((verdict) => verdict !== 'PASS')) return 'INCONCLUSIVE'
  return 'PASS'
}

/** What the guards of a criterion found, apart by what they block. */
export interface GuardFindings {
  readonly blockingAll: readonly ReasonCode[]
  readonly blockingPass: readonly ReasonCode[]
}

/** A criterion of its series and guards. A FAIL that was seen survives guards that only withhold PASS. */
export function composeCriterion(
  series: readonly SeriesResult[],
  guards: GuardFindings,
): { verdict: Verdict; reasons: readonly ReasonCode[] } {
  if (guards.blockingAll.length > 0) {
    const reasons = [...guards.blockingAll, ...guards.blockingPass]
    return { verdict: 'INCONCLUSIVE', reasons: unique(reasons) }
  }
  const verdict = composeVerdict(series.map((result) => result.verdict))
  if (verdict === 'FAIL') return { verdict, reasons: [] }
  const reasons = unique([...guards.blockingPass, ...series.flatMap((result) => result.reasons)])
  return { verdict: reasons.length > 0 ? 'INCONCLUSIVE' : verdict, reasons }
}

/** The series that decides: a failed one before an undecided one, then the one nearest to or furthest over its limit. */
export function worstSeries(series: readonly SeriesResult[], isHighBad: boolean): SeriesResult | undefined {
  const rank = { FAIL: 2, INCONCLUSIVE: 1, PASS: 0 } as const
  const figure = ({ bound, value }: SeriesResult) => {
    const number = bound ?? value ?? 0
    return isHighBad ? number : -number
  }
  return series.toSorted((a, b) => rank[b.verdict] - rank[a.verdict] || figure(b) - figure(a))[0]
}

function unique(reasons: readonly ReasonCode[]): readonly ReasonCode[] {
  return [...new Set(reasons)]
}
