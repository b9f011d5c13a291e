import type { Labels } from '../../engine/types.ts'

/** One series of a history that was made up: its value at each second since the window began; null where unscraped. */
export interface PlantedSeries {
  readonly name: string
  readonly labels: Labels
  readonly at: (seconds: number) => number | null
}

/** What is planted into a sound history. */
export type Plant = (series: readonly PlantedSeries[]) => readonly PlantedSeries[]

/** Strangers are planted to be met by wrong questions; what is planted into the stack does not touch them. */
const STRANGER = 'stranger'

/** Series of this name with at least these labels; a name ending in * is a beginning. */
export interface SeriesMatch {
  readonly name: string
  readonly labels?: Labels
}

export function matches(series: PlantedSeries, { name, labels = {} }: SeriesMatch): boolean {
  const isNamed = name.endsWith('*') ? series.name.startsWith(name.slice(0, -1)) : series.name === name
  const isStranger = Object.values(series.labels).includes(STRANGER)
  return (
    isNamed && !isStranger && Object.entries(labels).every(([label, value]) => series.labels[label] === value)
  )
}

/** Replaces values; refuses to plant into nothing, which would be a case that cannot fail. */
export function change(match: SeriesMatch, value: (seconds: number, before: number) => number | null): Plant {
  return (all) => {
    requireSome(all, match)
    return all.map((series) =>
      matches(series, match)
        ? {
            ...series,
            at: (seconds) => {
              const before = series.at(seconds)
              return before === null ? null : value(seconds, before)
            },
          }
        : series,
    )
  }
}

/** Another value in the scrapes before the window, which only a window that is too wide can see. */
export function earlier(match: SeriesMatch, value: number): Plant {
  return change(match, (seconds, before) => (seconds < 0 ? value : before))
}

/** Heard last before the window began. */
export function onlyEarlier(match: SeriesMatch, value: number): Plant {
  return change(match, (seconds) => (seconds < 0 ? value : null))
}

export function drop(match: SeriesMatch): Plant {
  return (all) => {
    requireSome(all, match)
    return all.filter((series) => !matches(series, match))
  }
}

export function unscraped(match: SeriesMatch, from: number, to: number): Plant {
  return change(match, (seconds, before) => (seconds >= from && seconds < to ? null : before))
}

export function add(name: string, labels: Labels, at: PlantedSeries['at']): Plant {
  return (all) => [...all, { name, labels, at }]
}

export function all(...plants: readonly Plant[]): Plant {
  return (series) => plants.reduce((changed, plant) => plant(changed), series)
}

function requireSome(series: readonly PlantedSeries[], match: SeriesMatch): void {
  if (!series.some((one) => matches(one, match))) throw new Error(`there is no ${JSON.stringify(match)}`)
}

export interface PlantedWindow {
  /** Seconds since the epoch. */
  readonly start: number
  readonly seconds: number
  readonly scrapeSeconds: number
}

/** Lines of OpenMetrics for the window and two scrapes before it. */
export function* openMetricsLines(
  series: readonly PlantedSeries[],
  { start, seconds, scrapeSeconds }: PlantedWindow,
): Generator<string> {
  for (const { name, labels, at } of series) {
    const written = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    const head = `${name}{${written.join(',')}}`
    for (let time = -2 * scrapeSeconds; time <= seconds; time += scrapeSeconds) {
      const value = at(time)
      if (value !== null) yield `${head} ${value} ${start + time}\n`
    }
  }
}
