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

export interface LeastSquaresInput {
  /** Regressors, already whitened (multiplied by the inverse Cholesky factor of the covariance): p columns of n. */
  readonly columns: Matrix
  /** Response, whitened the same way: n values. */
  readonly response: Vector
  /** Linear combinations of the p coefficients that are asked for. */
  readonly contrasts: Matrix
  /** Least residual variance that the resolution of the data allows, in squared units of the response. */
  readonly varianceFloor: number
}

/** Ordinary least squares in whitened coordinates, which is generalised least squares in the original ones. */
export function leastSquares({
  columns,
  response,
  contrasts,
  varianceFloor,
}: LeastSquaresInput): LeastSquares {
  const factor = cholesky(columns.map((left) => columns.map((right) => dot(left, right))))
  const coefficients = solveUpper(
    factor,
    solveLower(
      factor,
      columns.map((column) => dot(column, response)),
    ),
  )
  const residuals = response.map(
    (value, row) =>
      value -
      dot(
        coefficients,
        columns.map((column) => at(column, row)),
      ),
  )
  const degreesOfFreedom = response.length - columns.length
  return {
    logDesign: -logDiagonal(factor),
    degreesOfFreedom,
    residualSquares: Math.max(dot(residuals, residuals), degreesOfFreedom * varianceFloor),
    contrasts: contrasts.map((contrast) => {
      const u = solveLower(factor, contrast)
      return { estimate: dot(contrast, coefficients), unitVariance: dot(u, u) }
    }),
  }
}
