/**
 * Distribution function of Student's t with a whole number of degrees of freedom, as the exact finite sum.
 * Source: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.3 (odd) and 26.7.4 (even).
 * Valid for `degreesOfFreedom` >= 1; no approximation, so the same bits on every machine up to the maths library.
 */
export function studentTCumulative(t: number, degreesOfFreedom: number): number {
  const theta = Math.atan(t / Math.sqrt(degreesOfFreedom))
  const central =
    degreesOfFreedom % 2 === 1 ? oddArea(theta, degreesOfFreedom) : evenArea(theta, degreesOfFreedom)
  return 0.5 + central / 2
}

/** P(-t < T < t), signed as theta is. */
function oddArea(theta: number, degreesOfFreedom: number): number {
  const cosine = Math.cos(theta)
  let sum = 0
  let term = cosine
  for (let j = 1; j < degreesOfFreedom - 1; j += 2) {
    sum += term
    term *= (cosine * cosine * (j + 1)) / (j + 2)
  }
  return (2 * (theta + Math.sin(theta) * sum)) / Math.PI
}

function evenArea(theta: number, degreesOfFreedom: number): number {
  const cosineSquared = Math.cos(theta) ** 2
  let sum = 0
  let term = 1
  for (let j = 1; j < degreesOfFreedom; j += 2) {
    sum += term
    term *= (cosineSquared * j) / (j + 1)
  }
  return Math.sin(theta) * sum
}
