import type { FamilyRates, Share } from './calibrate-families.ts'
import { clopperPearson } from './clopper-pearson.ts'

/** Six services with five resources each. */
const SERIES_OF_A_GATE = 30

export interface GateRates {
  readonly family: string
  readonly series: number
  readonly gates: number
  readonly fail: Share
  readonly pass: Share
  readonly inconclusive: Share
}

/** What becomes of a gate of so many series, made of histories already judged, each used once. */
export function wholeGateRates(rates: readonly FamilyRates[]): readonly GateRates[] {
  return rates
    .filter(
      ({ kind, histories, family }) =>
        kind === 'healthy' && histories >= SERIES_OF_A_GATE && !family.startsWith('p95'),
    )
    .map(({ family, verdicts }) => gateRates(family, verdicts))
}

function gateRates(family: string, verdicts: readonly string[]): GateRates {
  const gates = Math.floor(verdicts.length / SERIES_OF_A_GATE)
  const judged = Array.from({ length: gates }, (_, index) => {
    const own = verdicts.slice(index * SERIES_OF_A_GATE, (index + 1) * SERIES_OF_A_GATE)
    if (own.includes('FAIL')) return 'FAIL'
    return own.every((verdict) => verdict === 'PASS') ? 'PASS' : 'INCONCLUSIVE'
  })
  const shareOf = (verdict: string): Share => {
    const count = judged.filter((one) => one === verdict).length
    return { count, share: count / gates, interval: clopperPearson(count, gates) }
  }
  return {
    family,
    series: SERIES_OF_A_GATE,
    gates,
    fail: shareOf('FAIL'),
    pass: shareOf('PASS'),
    inconclusive: shareOf('INCONCLUSIVE'),
  }
}
