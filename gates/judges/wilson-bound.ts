import { normalQuantile } from './normal-quantile.ts'

/**
 * One-sided upper confidence bound of a proportion: the larger root of the score test.
 * E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209-212.
 */
export function wilsonUpperBound(errors: number, total: number, confidence: number): number {
  if (!(total > 0)) return 1
  const z = normalQuantile(confidence)
  const share = errors / total
  const centre = share + (z * z) / (2 * total)
  const spread = z * Math.sqrt((share * (1 - share) + (z * z) / (4 * total)) / total)
  return Math.min(1, (centre + spread) / (1 + (z * z) / total))
}
