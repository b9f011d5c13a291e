import type { Unit } from './criterion.ts'

const MIB = 1024 * 1024

/** A number with its unit, for a person: "0.62 MiB/h", "0.5 %", "1.8 s", "12". */
export function formatAmount(value: number, unit: Unit): string {
  switch (unit) {
    case 'ratio':
      return `${round(value * 100)} %`
    case 'seconds':
      return Math.abs(value) < 1 && value !== 0 ? `${round(value * 1000)} ms` : `${round(value)} s`
    case 'bytes':
      return `${round(value / MIB)} MiB`
    case 'bytes/h':
      return `${round(value / MIB)} MiB/h`
    case 'seconds/h':
      return `${round(value * 1000)} ms/h`
    case 'count/h':
      return `${round(value)} per hour`
    case 'count':
      return round(value)
  }
}

/** Three digits that mean something, without exponents or trailing zeros. */
function round(value: number): string {
  if (Number.isInteger(value)) return String(value)
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return String(Number(value.toFixed(Math.min(digits, 9))))
}
