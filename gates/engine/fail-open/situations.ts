import { checkCases } from '../../calibrate/planted/check-cases.ts'
import type { PlantedCase } from '../../calibrate/planted/planted-case.ts'
import {
  add,
  all,
  change,
  matches,
  type Plant,
  type PlantedSeries,
  type SeriesMatch,
} from '../../calibrate/planted/planted-series.ts'
import { soakCases } from '../../calibrate/planted/soak-cases.ts'
import type { Criterion } from '../criterion.ts'

/** A way in which a gate elsewhere was seen to open, made up for each of our gates. */
export interface Situation {
  readonly name: string
  /** What is planted into the sound history of a gate. */
  readonly plant?: Plant
  /** Seconds by which the window misses the history. */
  readonly offset?: number
  /** Another question than the file asks. */
  readonly ask?: (criterion: Criterion) => Criterion
  /** What becomes of Prometheus. */
  readonly prometheus?: 'down' | 'index' | 'chunks'
  /** Gates that the situation can be of; default: all seven. */
  readonly gates?: readonly string[]
  /** Criteria of which what is wrong takes nothing; every other one may not pass. */
  readonly spares?: (criterion: Criterion) => boolean
}

const oneOf =
  (...ids: readonly string[]) =>
  (criterion: Criterion) =>
    ids.includes(criterion.id)
const guardedBy = (name: string) => (criterion: Criterion) =>
  criterion.guards.some((guard) => guard.name === name)
/** Sums over all that there is: a second series is in it. */
const SUMS = oneOf(
  'soak.restarts',
  'soak.supervised-restarts',
  'go-no-go.restarts',
  'security.not-refused',
  'durability.failed',
  'observability.failed',
  'release-lock.failed',
)
/** Of counters that only rise, or of a start that stays: what happened in a hole shows behind it. */
const SHOW_BEHIND_A_HOLE = oneOf('soak.load', 'soak.error-ratio', 'soak.worst-hour', 'soak.restarts')
/** Neither counts nor tests. */
const NO_COUNTS = oneOf(
  'soak.restarts',
  'soak.supervised-restarts',
  'soak.coverage',
  'soak.sessions-ledger',
  'go-no-go.restarts',
  'durability.restore-time',
  'durability.start-time',
  'durability.health-time',
  'observability.page-time',
)
/** Of scrapes and starts. */
const NO_COUNTERS = oneOf('soak.restarts', 'soak.coverage')

/** The history of each gate with which nothing is wrong: an hour of soak, half an hour of every other one. */
export function soundHistories(): readonly PlantedCase[] {
  const sound = [...soakCases(), ...checkCases()].filter(({ name }) =>
    /(?:^a sound hour|nothing wrong)$/.test(name),
  )
  return sound.map((one) => ({ ...one, expect: {} }))
}

const EVERYTHING: SeriesMatch = { name: '*' }
const UP: SeriesMatch = { name: 'up' }

function others(plant: (series: PlantedSeries) => readonly PlantedSeries[]): Plant {
  return (series) => series.flatMap((one) => (matches(one, UP) ? [one] : plant(one)))
}

/** Where a history has none of them, as only one gate has load or clocks, nothing is planted. */
function changeIfThere(match: SeriesMatch, value: (seconds: number, before: number) => number | null): Plant {
  return (series) => (series.some((one) => matches(one, match)) ? change(match, value)(series) : series)
}

const isCounter = ({ name }: PlantedSeries) => name.endsWith('_total')
const HOLE: readonly [number, number] = [600, 960]
const STEP: readonly [number, number] = [600, 1200]
const within =
  ([from, to]: readonly [number, number]) =>
  (seconds: number, value: number) =>
    seconds >= from && seconds < to ? null : value

export const SITUATIONS: readonly Situation[] = [
  { name: 'no series: nothing is there but that it was scraped', plant: others(() => []) },
  {
    name: 'NaN in every series',
    plant: others((one) => [{ ...one, at: (seconds) => (one.at(seconds) === null ? null : Number.NaN) }]),
  },
  {
    name: 'two series wherever one is meant',
    plant: others((one) => [one, { ...one, labels: { ...one.labels, copy: 'b' } }]),
    spares: SUMS,
  },
  { name: 'all scrapes missing', plant: () => [] },
  {
    name: 'all scrapes failed',
    plant: all(
      others(() => []),
      change(UP, () => 0),
    ),
  },
  { name: 'a gap of 6 min', plant: change(EVERYTHING, within(HOLE)), spares: SHOW_BEHIND_A_HOLE },
  {
    name: 'empty tests: everything that is counted is 0',
    plant: (series) => series.map((one) => (isCounted(one) ? { ...one, at: () => 0 } : one)),
    spares: NO_COUNTS,
  },
  { name: 'an evaluation error', ask: withFailingQuestion },
  { name: 'Prometheus down', prometheus: 'down' },
  { name: 'a time range after the recorded one', offset: 30 * 86_400 },
  { name: 'a time range before the recorded one', offset: -30 * 86_400 },
  {
    name: 'counters that were reset',
    plant: (series) =>
      series.map((one) => (isCounter(one) ? { ...one, at: (seconds) => resetAt(900, one, seconds) } : one)),
    spares: NO_COUNTERS,
  },
  { name: 'blocks whose index is cut off', prometheus: 'index' },
  { name: 'blocks whose chunks are cut off', prometheus: 'chunks' },
  {
    name: 'the clock set ahead by 10 min',
    plant: all(
      changeIfThere({ name: 'sonia_host_clock_offset_seconds' }, (seconds) => (seconds >= 1200 ? 600 : 0)),
      change(EVERYTHING, within(STEP)),
    ),
    spares: SHOW_BEHIND_A_HOLE,
  },
  {
    name: 'the clock set back by 2 s',
    plant: changeIfThere({ name: 'sonia_host_clock_offset_seconds' }, (seconds) =>
      seconds >= 1200 ? -2 : 0,
    ),
    // Only the soak measures time.
    gates: ['soak'],
    spares: (criterion) => !guardedBy('clock-steady')(criterion),
  },
]

/** What a gate counts, but that it came to its end. */
function isCounted({ name, labels }: PlantedSeries): boolean {
  return /^(?:k6_|sonia_gate_checks_total|sonia_model_)/.test(name) && labels['check'] !== 'complete'
}

function resetAt(moment: number, one: PlantedSeries, seconds: number): number | null {
  const value = one.at(seconds)
  if (value === null || seconds < moment) return value
  return Math.max(0, value - (one.at(moment) ?? 0))
}

/** Matches many series with many: Prometheus answers with an error, and says nothing of the rest. */
function withFailingQuestion(criterion: Criterion): Criterion {
  const failing = (text: unknown) => `(${String(text)}) and on () (up + on () up)`
  const asked = Object.entries(criterion.judge).map(([field, value]) =>
    QUESTIONS.includes(field) ? [field, failing(value)] : [field, value],
  )
  return { ...criterion, judge: Object.fromEntries(asked) as unknown as Criterion['judge'] }
}

const QUESTIONS: readonly string[] = ['value', 'errors', 'total', 'left', 'right', 'series']

/** A case of each gate, named after both. */
export function casesOf({ name, gates, plant = (series) => series }: Situation): readonly PlantedCase[] {
  const meant = soundHistories().filter(({ gate }) => gates?.includes(gate) ?? true)
  return meant.map((sound) => ({
    ...sound,
    name: `${name}: ${sound.gate}`,
    series: plant(add('up', { job: 'another' }, () => 1)(sound.series)),
  }))
}
