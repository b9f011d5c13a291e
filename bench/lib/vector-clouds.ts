/** Vectors to search in: `make` draws one more of the same kind. */
export interface VectorCloud {
  readonly name: string
  readonly make: () => Float32Array<ArrayBuffer>
}

const DIRECTIONS = 48
const DECAY = 0.1
const NOISE = 0.75
const OFFSET = 1

/**
 * As embeddings of texts lie: most of their variance in few directions of falling weight, all off the origin to one
 * side, and some noise of their own in every component.
 */
export function textLikeCloud(random: () => number, dimensions: number): VectorCloud {
  const directions = Array.from({ length: DIRECTIONS }, (_, place) =>
    Float32Array.from({ length: dimensions }, () => gaussian(random) / Math.sqrt(1 + place * DECAY)),
  )
  const offset = Float32Array.from({ length: dimensions }, () => OFFSET * gaussian(random))
  return {
    name: 'text-like vectors',
    make() {
      const vector = new Float32Array(offset)
      for (const direction of directions) {
        const weight = gaussian(random)
        for (let at = 0; at < dimensions; at++) vector[at] = (vector[at] ?? 0) + weight * (direction[at] ?? 0)
      }
      for (let at = 0; at < dimensions; at++) vector[at] = (vector[at] ?? 0) + NOISE * gaussian(random)
      return vector
    },
  }
}

/** The hardest there is: every component independent, so that nothing is near anything. */
export function shapelessCloud(random: () => number, dimensions: number): VectorCloud {
  return {
    name: 'shapeless vectors',
    make: () => Float32Array.from({ length: dimensions }, () => gaussian(random)),
  }
}

/** Box and Muller (1958), one of the pair. */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
