export type Vector = readonly number[]
export type Matrix = readonly Vector[]

/** Sum with Neumaier's compensation (Neumaier 1974): the order of the terms costs no digits. */
export function sum(values: Vector): number {
  let total = 0
  let lost = 0
  for (const value of values) {
    const next = total + value
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total
    total = next
  }
  return total + lost
}

export function mean(values: Vector): number {
  return sum(values) / values.length
}

export function dot(left: Vector, right: Vector): number {
  if (right.length < left.length) throw new RangeError(`${right.length} of ${left.length}`)
  let total = 0
  let lost = 0
  for (let index = 0; index < left.length; index += 1) {
    const value = (left[index] as number) * (right[index] as number)
    const next = total + value
    lost += Math.abs(total) >= Math.abs(value) ? total - next + value : value - next + total
    total = next
  }
  return total + lost
}

/** An element that the caller knows to be there; throws where that is wrong instead of computing with undefined. */
export function at<T>(values: readonly T[], index: number): T {
  const value = values[index]
  if (value === undefined) throw new RangeError(`index ${index} of ${values.length}`)
  return value
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0)
}

/** Lower triangular L with L L' = A, for a symmetric positive definite A (n x n). Throws where A is not. */
export function cholesky(a: Matrix): Matrix {
  const lower: number[][] = a.map(() => zeros(a.length))
  for (let i = 0; i < a.length; i += 1) {
    const row = at(lower, i)
    for (let j = 0; j <= i; j += 1) {
      const other = at(lower, j)
      let rest = at(at(a, i), j)
      for (let k = 0; k < j; k += 1) rest -= at(row, k) * at(other, k)
      if (i === j && !(rest > 0)) throw new RangeError('the matrix is not positive definite')
      row[j] = i === j ? Math.sqrt(rest) : rest / at(other, j)
    }
  }
  return lower
}

/** x with L x = b. */
export function solveLower(lower: Matrix, b: Vector): Vector {
  const x: number[] = []
  for (let i = 0; i < b.length; i += 1) {
    const row = at(lower, i)
    let rest = at(b, i)
    for (let k = 0; k < i; k += 1) rest -= (row[k] as number) * (x[k] as number)
    x.push(rest / at(row, i))
  }
  return x
}

/** x with L' x = b. */
export function solveUpper(lower: Matrix, b: Vector): Vector {
  const x = zeros(b.length)
  for (let i = b.length - 1; i >= 0; i -= 1) {
    let rest = at(b, i)
    for (let k = i + 1; k < b.length; k += 1) rest -= at(at(lower, k), i) * at(x, k)
    x[i] = rest / at(at(lower, i), i)
  }
  return x
}

/** Sum of the logarithms of the diagonal: half the log determinant of L L'. */
export function logDiagonal(lower: Matrix): number {
  return sum(lower.map((row, index) => Math.log(at(row, index))))
}
