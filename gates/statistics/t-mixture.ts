import { at, dot, sum } from './linear-algebra.ts'
import { studentTCumulative } from './student-t.ts'

/** One covariance model's answer: how likely the model is (log, up to a constant), and its estimate. */
export interface MixtureComponent {
  readonly logWeight: number
  readonly estimate: number
  readonly standardError: number
}

export interface TMixture {
  readonly mean: number
  readonly standardDeviation: number
  /** Log of the sum of the weights: how likely the whole set of models is. */
  readonly logEvidence: number
  /** Probability of this value or less. */
  readonly cumulative: (value: number) => number
  /** The value below which the mixture lies with this probability, to the last bit that bisection resolves. */
  quantile(probability: number): number
}

const BISECTIONS = 100
/** Far beyond any quantile that is asked for: t with 10 degrees of freedom has 1e-12 below -30. */
const SPAN_STANDARD_ERRORS = 80

/**
 * Average over covariance models: a mixture of scaled t distributions, weighted by restricted likelihood.
 * Source: Hoeting, Madigan, Raftery and Volinsky, Bayesian Model Averaging, Statistical Science 14 (1999).
 * All components share `degreesOfFreedom`.
 */
export function createMixture(components: readonly MixtureComponent[], degreesOfFreedom: number): TMixture {
  const top = Math.max(...components.map(({ logWeight }) => logWeight))
  const raw = components.map(({ logWeight }) => Math.exp(logWeight - top))
  const total = sum(raw)
  const weights = raw.map((weight) => weight / total)
  const estimates = components.map(({ estimate }) => estimate)
  const errors = components.map(({ standardError }) => standardError)
  const mean = dot(weights, estimates)
  const spread = estimates.map((estimate, index) => at(errors, index) ** 2 + (estimate - mean) ** 2)
  const cumulative = (value: number) =>
    sum(
      components.map(
        ({ estimate, standardError }, index) =>
          at(weights, index) * studentTCumulative((value - estimate) / standardError, degreesOfFreedom),
      ),
    )
  const span = SPAN_STANDARD_ERRORS * Math.max(...errors) + Math.max(...estimates) - Math.min(...estimates)
  return {
    mean,
    standardDeviation: Math.sqrt(dot(weights, spread)),
    logEvidence: top + Math.log(total),
    cumulative,
    quantile: (probability) => bisect(cumulative, probability, [mean - span, mean + span]),
  }
}

function bisect(
  cumulative: (value: number) => number,
  probability: number,
  [from, to]: readonly [number, number],
): number {
  let low = from
  let high = to
  for (let step = 0; step < BISECTIONS; step += 1) {
    const middle = (low + high) / 2
    if (cumulative(middle) < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}
