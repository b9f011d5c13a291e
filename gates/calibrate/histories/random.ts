import { createHash } from 'node:crypto'

/** Seeded random numbers; the same name and seed give the same numbers on every machine. */
export interface Random {
  uniform(): number
  /** From low to high, both included. */
  integer(low: number, high: number): number
  normal(): number
  studentT(degreesOfFreedom: number): number
}

/** sfc32 (Doty-Humphrey), four words of state from a digest of the name. */
export function randomOf(name: string): Random {
  const state = new Uint32Array(createHash('sha256').update(name).digest().buffer.slice(0, 16))
  const uniform = () => nextWord(state) / 4294967296
  const normal = polarNormals(uniform)
  return {
    uniform,
    integer: (low, high) => low + Math.floor(uniform() * (high - low + 1)),
    normal,
    studentT: (degreesOfFreedom) =>
      normal() / Math.sqrt((2 * gamma(degreesOfFreedom / 2, { uniform, normal })) / degreesOfFreedom),
  }
}

function nextWord(state: Uint32Array): number {
  const [a = 0, b = 0, c = 0, counter = 0] = state
  const mixed = (a + b + counter) >>> 0
  state[0] = b ^ (b >>> 9)
  state[1] = c + (c << 3)
  state[2] = ((c << 21) | (c >>> 11)) + mixed
  state[3] = counter + 1
  return mixed
}

/** Marsaglia's polar method: two normal numbers at a time. */
function polarNormals(uniform: () => number): () => number {
  let spare: number | null = null
  return () => {
    if (spare !== null) {
      const value = spare
      spare = null
      return value
    }
    for (;;) {
      const u = 2 * uniform() - 1
      const v = 2 * uniform() - 1
      const s = u * u + v * v
      if (s >= 1 || s === 0) continue
      const scale = Math.sqrt((-2 * Math.log(s)) / s)
      spare = v * scale
      return u * scale
    }
  }
}

/** Marsaglia and Tsang 2000, for shapes of at least 1. */
function gamma(shape: number, { uniform, normal }: Pick<Random, 'uniform' | 'normal'>): number {
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal()
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}
