import type { Sample } from '../../statistics/floors.ts'
import type { Random } from './random.ts'

/** How the memory of a process moves when nothing leaks. MiB, hours; samples a minute apart. */
export interface NoiseShape {
  readonly plateauMib: number
  readonly correlationMinutes: number
  readonly dailyMib: number
  readonly whiteMib: number
  /** Degrees of freedom of Student's t for the plateau noise; 0 for normal. */
  readonly tails: number
  readonly whiteTails: number
  readonly saw: SawShape
  /** Amplitude of a wave of 6 to 12 h. */
  readonly waveMib: number
  /** Steps of a random walk, MiB a square root of an hour. */
  readonly walkMib: number
  /** Values come in multiples of this. */
  readonly quantumMib: number
  /** Share of scrapes that failed; with any, a hole of 20 min too. */
  readonly missing: number
}

interface SawShape {
  readonly heightMib: number
  readonly spread: number
  readonly minutes: readonly [number, number]
  /** Relative change of its height over the history. */
  readonly change: number
}

export const SHORT_MEMORY: NoiseShape = {
  plateauMib: 3,
  correlationMinutes: 200,
  dailyMib: 2,
  whiteMib: 1,
  tails: 0,
  whiteTails: 0,
  saw: { heightMib: 40, spread: 0.3, minutes: [10, 30], change: 0 },
  waveMib: 0,
  walkMib: 0,
  quantumMib: 0,
  missing: 0,
}

export const LONG_MEMORY: NoiseShape = { ...SHORT_MEMORY, plateauMib: 5, correlationMinutes: 600 }

/** Growth on top of the noise, MiB, by hours since the start. */
export type Growth = (hours: number) => number

const LEVEL_MIB = 200
const WARMUP_MIB = 60

/** One history: warm-up, plateau noise, saw-tooth of the collector, daily cycle, white noise, and the growth. */
export function memoryHistory(
  random: Random,
  { noise, growth, hours }: { readonly noise: NoiseShape; readonly growth: Growth; readonly hours: number },
): readonly Sample[] {
  const count = hours * 60
  const plateau = correlatedNoise(random, noise, count)
  const saw = sawTooth(random, noise.saw, count)
  const phase = random.uniform() * 24
  const wave = { period: 6 + 6 * random.uniform(), phase: 2 * Math.PI * random.uniform() }
  const hole = 300 + Math.floor(random.uniform() * (count - 330))
  let walk = 0
  return Array.from({ length: count }, (_, minute) => {
    const at = minute / 60
    walk += noise.walkMib === 0 ? 0 : (noise.walkMib * random.normal()) / Math.sqrt(60)
    const white =
      noise.whiteMib * (noise.whiteTails === 0 ? random.normal() : random.studentT(noise.whiteTails))
    const value =
      LEVEL_MIB +
      WARMUP_MIB * (1 - Math.exp(-at)) +
      (plateau[minute] ?? 0) +
      (saw[minute] ?? 0) +
      noise.dailyMib * Math.sin((2 * Math.PI * (at + phase)) / 24) +
      noise.waveMib * Math.sin((2 * Math.PI * at) / wave.period + wave.phase) +
      white +
      walk +
      growth(at)
    const isMissing =
      noise.missing > 0 && (random.uniform() < noise.missing || (minute >= hole && minute < hole + 20))
    const shown = noise.quantumMib === 0 ? value : Math.floor(value / noise.quantumMib) * noise.quantumMib
    return { hours: at, value: isMissing ? Number.NaN : shown }
  })
}

function correlatedNoise(
  random: Random,
  { plateauMib, correlationMinutes, tails }: NoiseShape,
  count: number,
): Float64Array {
  const keep = Math.exp(-1 / correlationMinutes)
  const innovation = plateauMib * Math.sqrt(1 - keep * keep)
  const draw = () => (tails === 0 ? random.normal() : random.studentT(tails) / Math.sqrt(tails / (tails - 2)))
  let value = plateauMib * draw()
  return Float64Array.from({ length: count }, () => {
    value = keep * value + innovation * draw()
    return value
  })
}

function sawTooth(
  random: Random,
  { heightMib, spread, minutes, change }: SawShape,
  count: number,
): Float64Array {
  let length = 0
  let at = 0
  let height = 0
  return Float64Array.from({ length: count }, (_, minute) => {
    if (at >= length) {
      length = random.integer(...minutes)
      height = heightMib * (1 - spread + 2 * spread * random.uniform())
      at = 0
    }
    const value = (height * (1 + (change * minute) / count) * at) / length
    at += 1
    return value
  })
}
