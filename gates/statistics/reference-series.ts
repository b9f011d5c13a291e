import { at } from './linear-algebra.ts'
import type { Sample } from './floors.ts'

/** A history as reference-vectors.json specifies it. Rates an hour, times in hours unless said otherwise. */
export interface SeriesSpec {
  readonly seed: number
  readonly n: number
  readonly dt_min: number
  readonly burn: number
  readonly phi: number
  readonly sd: number
  readonly saw: number
  readonly saw_lo: number
  readonly saw_hi: number
  readonly day: number
  readonly phase: number
  readonly level: number
  readonly warm: number
  readonly warm_decay: number
  readonly wn: number
  readonly rate: number
  readonly start: number
  readonly step: number
  readonly step_at: number
  readonly stair: number
  readonly miss: number
  readonly hole: readonly number[]
  readonly quant: number
  readonly scale: number
}

/** The generator mulberry32: 32-bit state, numbers in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Sum of twelve uniform numbers less six: near normal, and bit for bit the same in every language. */
export function nearNormal(random: () => number): number {
  let total = -6
  for (let draw = 0; draw < 12; draw += 1) total += random()
  return total
}

/** Whole numbers, in units of 1/scale; only + - * / and rounding, so that any implementation makes the same bits. */
export function rawSeries(spec: SeriesSpec): readonly { readonly hours: number; readonly raw: number }[] {
  const random = mulberry32(spec.seed)
  const noise = { x: 0, warm: 60 }
  const saw = { length: 0, at: 0, amplitude: 0 }
  for (let index = 0; index < spec.burn; index += 1)
    noise.x = spec.phi * noise.x + spec.sd * nearNormal(random)
  const series: { hours: number; raw: number }[] = []
  for (let index = 0; index < spec.n; index += 1) {
    const hours = (index * spec.dt_min) / 60
    noise.x = spec.phi * noise.x + spec.sd * nearNormal(random)
    if (saw.at >= saw.length) {
      saw.length = spec.saw_lo + Math.trunc(random() * (spec.saw_hi - spec.saw_lo + 1))
      saw.amplitude = spec.saw * (0.7 + 0.6 * random())
      saw.at = 0
    }
    const settled = spec.level + spec.warm * (1 - noise.warm / 60) + noise.x
    const value =
      settled +
      (saw.amplitude * saw.at) / saw.length +
      dailyWave(spec, hours) +
      spec.wn * nearNormal(random) +
      growth(spec, hours)
    noise.warm *= spec.warm_decay
    saw.at += 1
    const isMissing = random() < spec.miss
    const isHole = at(spec.hole, 0) <= hours && hours < at(spec.hole, 1)
    if (!isMissing && !isHole) series.push({ hours, raw: quantised(spec, value) })
  }
  return series
}

export function seriesOf(spec: SeriesSpec): readonly Sample[] {
  return rawSeries(spec).map(({ hours, raw }) => ({ hours, value: raw / spec.scale }))
}

/** A triangle instead of a sine: no maths library may take part. */
function dailyWave({ day, phase }: SeriesSpec, hours: number): number {
  const turn = (hours + phase) / 24
  const part = turn - Math.trunc(turn)
  return day * (part < 0.5 ? 4 * part - 1 : 3 - 4 * part)
}

function growth(spec: SeriesSpec, hours: number): number {
  const linear =
    spec.rate * (hours > spec.start ? hours - spec.start : 0) + spec.step * (hours > spec.step_at ? 1 : 0)
  return spec.stair === 0 ? linear : linear + 4 * spec.stair * Math.trunc(hours / 4)
}

function quantised({ scale, quant }: SeriesSpec, value: number): number {
  const whole = value >= 0 ? Math.trunc(value * scale + 0.5) : -Math.trunc(-value * scale + 0.5)
  return quant === 0 ? whole : Math.floor(whole / (quant * scale)) * (quant * scale)
}
