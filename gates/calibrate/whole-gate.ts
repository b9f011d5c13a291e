import { holmRejections } from '../judges/holm.ts'
import { type FamilyRates, type Share, shareOfCount } from './calibrate-families.ts'
import type { JudgedHistory } from './judge-history.ts'

/** Six services with five resources each, and the p95 of eight routes. */
export const GATE_RESOURCES = 30
export const GATE_ROUTES = 8
const STEADY_ROUTES = 'p95-steady'
/** What whole gates are made of, but for one defect. */
export const WHOLE_GATE_FAMILIES: readonly string[] = ['short', 'long', STEADY_ROUTES]

export interface GateRates {
  /** Of what histories the gate is made, for a person. */
  readonly made: string
  readonly series: number
  readonly gates: number
  readonly fail: Share
  readonly pass: Share
  readonly inconclusive: Share
}

/** Histories of one family, and how many of them a gate takes. */
interface Part {
  readonly rates: FamilyRates
  readonly count: number
}

/** What becomes of whole gates made of histories already judged, each used once in a row of gates. */
export function wholeGateRates(rates: readonly FamilyRates[]): readonly GateRates[] {
  const of = (family: string) => rates.find((one) => one.family === family)
  const routes = of(STEADY_ROUTES)
  const healthy = rates.filter(({ kind, family }) => kind === 'healthy' && family !== STEADY_ROUTES)
  const short = of('short')
  const defects = rates.filter(({ kind, family }) => kind === 'defect' && !family.startsWith('p95'))
  return [
    ...healthy.map((one) =>
      gateRates(`${GATE_RESOURCES} x ${one.family}`, [{ rates: one, count: GATE_RESOURCES }]),
    ),
    ...(routes === undefined
      ? []
      : healthy.map((one) =>
          gateRates(`${GATE_RESOURCES} x ${one.family}, ${GATE_ROUTES} x ${STEADY_ROUTES}`, [
            { rates: one, count: GATE_RESOURCES },
            { rates: routes, count: GATE_ROUTES },
          ]),
        )),
    ...(short === undefined
      ? []
      : defects.map((one) =>
          gateRates(`${GATE_RESOURCES - 1} x short, one ${one.family}`, [
            { rates: short, count: GATE_RESOURCES - 1 },
            { rates: one, count: 1 },
          ]),
        )),
  ].filter(({ gates }) => gates > 0)
}

function gateRates(made: string, parts: readonly Part[]): GateRates {
  const gates = Math.min(...parts.map(({ rates, count }) => Math.floor(rates.judged.length / count)))
  const verdicts = Array.from({ length: gates }, (_, index) =>
    verdictOf(parts.flatMap(({ rates, count }) => rates.judged.slice(index * count, (index + 1) * count))),
  )
  const shareOf = (verdict: string) => shareOfCount(verdicts.filter((one) => one === verdict).length, gates)
  return {
    made,
    series: parts.reduce((sum, { count }) => sum + count, 0),
    gates,
    fail: shareOf('FAIL'),
    pass: shareOf('PASS'),
    inconclusive: shareOf('INCONCLUSIVE'),
  }
}

/** As the gate composes it: failures are corrected for the number of series, passes are not. */
function verdictOf(series: readonly JudgedHistory[]): 'PASS' | 'FAIL' | 'INCONCLUSIVE' {
  const surprises = series.flatMap(({ surprise }) => (surprise === null ? [] : [surprise]))
  if (holmRejections(surprises, series.length).includes(true)) return 'FAIL'
  return series.every(({ verdict }) => verdict === 'PASS') ? 'PASS' : 'INCONCLUSIVE'
}
