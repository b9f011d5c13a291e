const DIGITS = 4

/** A number as a person reads it: four significant digits, thousands apart, ratios as per cent, bytes as MiB. */
export function figure(value: number | null, unit: string): string {
  if (value === null) return 'none'
  if (unit === 'ratio') return `${significant(value * 100)} %`
  if (unit === 'bytes') return `${significant(value / 2 ** 20)} MiB`
  if (unit === 'bytes/h' || unit === 'bytes_per_hour') return `${significant(value / 2 ** 20)} MiB/h`
  if (unit === 'seconds') return secondsText(value)
  return unit === '' || unit === 'count' ? significant(value) : `${significant(value)} ${unit}`
}

export function significant(value: number): string {
  if (value === 0) return '0'
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString('en-GB')
  const size = Math.abs(value)
  if (size >= 1e9 || size < 1e-4) return value.toExponential(2)
  return Number(value.toPrecision(DIGITS)).toLocaleString('en-GB', { maximumFractionDigits: 8 })
}

/** UTC, to the second, the same wherever it is rendered. */
export function momentText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

export function durationText(seconds: number): string {
  if (seconds < 120) return `${significant(seconds)} s`
  if (seconds < 7200) return `${significant(Math.round(seconds / 6) / 10)} min`
  return `${significant(Math.round(seconds / 360) / 10)} h`
}

export function countText(count: number, one: string, many = `${one}s`): string {
  return `${significant(count)} ${count === 1 ? one : many}`
}

function secondsText(value: number): string {
  return Math.abs(value) < 1 && value !== 0 ? `${significant(value * 1000)} ms` : `${significant(value)} s`
}
