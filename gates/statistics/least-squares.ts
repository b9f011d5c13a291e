import {
  at,
  cholesky,
  dot,
  logDiagonal,
  type Matrix,
  solveLower,
  solveUpper,
  type Vector,
} from './linear-algebra.ts'

export interface Contrast {
  /** Estimate of c' beta. */
  readonly estimate: number
  /** c' (Z'Z)^-1 c: its variance over the residual variance. */
  readonly unitVariance: number
}

export interface LeastSquares {
  /** -1/2 log |Z'Z|, the part of the restricted likelihood that the regressors bring. */
  readonly logDesign: number
  readonly degreesOfFreedom: number
  readonly residualSquares: number
  readonly contrasts: readonly Contrast[]
}

/** All of a regression that does not depend on the response, so that many series of equal times can share it. */
export interface Design {
  /** Regressors, whitened (multiplied by the inverse Cholesky factor of the covariance): p columns of n. */
  readonly columns: Matrix
  /** The same, as n rows of p. */
  readonly rows: Matrix
  /** Cholesky factor of Z'Z. */
  readonly factor: Matrix
  readonly logDesign: number
  /** Linear combinations of the p coefficients that are asked for, with the unit variance of each. */
  readonly contrasts: readonly { readonly weights: Vector; readonly unitVariance: number }[]
}

/** `columns` must be whitened already; `contrasts` are weights of the coefficients. */
export function designOf(columns: Matrix, contrasts: Matrix): Design {
  const factor = cholesky(columns.map((left) => columns.map((right) => dot(left, right))))
  return {
    columns,
    rows: at(columns, 0).map((_, row) => columns.map((column) => at(column, row))),
    factor,
    logDesign: -logDiagonal(factor),
    contrasts: contrasts.map((weights) => {
      const u = solveLower(factor, weights)
      return { weights, unitVariance: dot(u, u) }
    }),
  }
}

/**
 * Ordinary least squares in whitened coordinates, which is generalised least squares in the original ones.
 * `varianceFloor`: least residual variance that the resolution of the data allows, in squared units of the response.
 */
export function leastSquares(design: Design, response: Vector, varianceFloor: number): LeastSquares {
  const { columns, factor, logDesign } = design
  const projected = columns.map((column) => dot(column, response))
  const explained = solveLower(factor, projected)
  const coefficients = solveUpper(factor, explained)
  const degreesOfFreedom = response.length - columns.length
  return {
    logDesign,
    degreesOfFreedom,
    residualSquares: Math.max(
      residualSquaresOf(design, response, { explained, coefficients }),
      degreesOfFreedom * varianceFloor,
    ),
    contrasts: design.contrasts.map(({ weights, unitVariance }) => ({
      estimate: dot(weights, coefficients),
      unitVariance,
    })),
  }
}

/** Below this share of the whole, the difference of two sums has too few digits left. */
const CANCELS = 1e-4

/** y'y less what the regressors explain (Pythagoras); residual by residual only where that would cancel. */
function residualSquaresOf(
  { rows }: Design,
  response: Vector,
  { explained, coefficients }: { readonly explained: Vector; readonly coefficients: Vector },
): number {
  const whole = dot(response, response)
  const rest = whole - dot(explained, explained)
  if (rest > CANCELS * whole) return rest
  const residuals = response.map((value, row) => value - dot(coefficients, at(rows, row)))
  return dot(residuals, residuals)
}
