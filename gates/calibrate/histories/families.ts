import { type Growth, LONG_MEMORY, type NoiseShape, SHORT_MEMORY } from './memory-history.ts'

/** Shares that must hold of a family's verdicts; a share is refuted where its confidence interval lies beyond it. */
export interface Demand {
  readonly failMax?: number
  readonly failMin?: number
  readonly passMax?: number
  readonly passMin?: number
}

interface FamilyCommon {
  readonly id: string
  readonly kind: 'healthy' | 'margin' | 'defect' | 'known-weak'
  readonly demand: Demand
}

export type Family = FamilyCommon &
  (
    | {
        readonly series: 'memory'
        readonly noise: NoiseShape
        readonly growth: Growth
        readonly restartAtHours?: number
      }
    | { readonly series: 'latency'; readonly noise: number; readonly drift: number }
  )

const none: Growth = () => 0
const leak =
  (perHour: number): Growth =>
  (hours) =>
    perHour * hours
const late =
  (perHour: number, from = 30): Growth =>
  (hours) =>
    perHour * Math.max(hours - from, 0)
const bursts =
  (perHour: number): Growth =>
  (hours) =>
    4 * perHour * Math.floor(hours / 4)
const step =
  (mib: number, at: number): Growth =>
  (hours) =>
    hours > at ? mib : 0
const cache =
  (mib: number, tau: number): Growth =>
  (hours) =>
    mib * (1 - Math.exp(-hours / tau))
const RESTART_AT = 36
const restarted =
  (perHour: number): Growth =>
  (hours) =>
    perHour * (hours < RESTART_AT ? hours : hours - RESTART_AT)

const memory = (
  kind: Family['kind'],
  id: string,
  { noise = SHORT_MEMORY, growth = none }: { readonly noise?: NoiseShape; readonly growth?: Growth },
  demand: Demand,
): Family => ({ id, kind, series: 'memory', noise, growth, demand })

const never: Demand = { failMax: 0 }
const missed: Demand = { passMax: 0, failMin: 0.98 }
const notPassed: Demand = { passMax: 0.01 }

const HEALTHY: readonly Family[] = [
  memory('healthy', 'short', {}, { failMax: 0, passMin: 0.99 }),
  memory('healthy', 'long', { noise: LONG_MEMORY }, { failMax: 0, passMin: 0.95 }),
  memory('healthy', 'correlated-1h', { noise: { ...SHORT_MEMORY, correlationMinutes: 60 } }, never),
  memory('healthy', 'heavy-tails', { noise: { ...SHORT_MEMORY, tails: 3, whiteTails: 2.5 } }, never),
  memory('healthy', 'heavy-tails-long', { noise: { ...LONG_MEMORY, tails: 3 } }, never),
  memory(
    'healthy',
    'large-collections',
    { noise: { ...SHORT_MEMORY, saw: { heightMib: 150, spread: 0.6, minutes: [20, 110], change: 0 } } },
    never,
  ),
  memory('healthy', 'no-daily-cycle', { noise: { ...SHORT_MEMORY, dailyMib: 0 } }, never),
  memory('healthy', 'strong-daily-cycle', { noise: { ...SHORT_MEMORY, dailyMib: 6 } }, never),
  memory('healthy', 'wave', { noise: { ...SHORT_MEMORY, waveMib: 6 } }, never),
  memory(
    'healthy',
    'scrapes-missing',
    { noise: { ...SHORT_MEMORY, missing: 0.02 } },
    { failMax: 0, passMin: 0.97 },
  ),
  memory('healthy', 'plateaus-4', { noise: { ...SHORT_MEMORY, quantumMib: 4 } }, never),
  memory('healthy', 'plateaus-16', { noise: { ...SHORT_MEMORY, quantumMib: 16 } }, never),
  memory(
    'healthy',
    'saw-grows',
    { noise: { ...SHORT_MEMORY, saw: { ...SHORT_MEMORY.saw, change: 1 } } },
    never,
  ),
  memory(
    'healthy',
    'saw-shrinks',
    { noise: { ...SHORT_MEMORY, saw: { ...SHORT_MEMORY.saw, change: -0.5 } } },
    never,
  ),
  {
    id: 'p95-steady',
    kind: 'healthy',
    series: 'latency',
    noise: 0.03,
    drift: 0,
    demand: { failMax: 0, passMin: 0.9 },
  },
]

/** A walk of memory cannot be told from a leak in 48 h; noise of 20 h hardly: reported, not demanded. */
const KNOWN_WEAK: readonly Family[] = [
  memory('known-weak', 'correlated-20h', { noise: { ...LONG_MEMORY, correlationMinutes: 1200 } }, {}),
  memory('known-weak', 'random-walk', { noise: { ...SHORT_MEMORY, plateauMib: 0.001, walkMib: 1 } }, {}),
  { id: 'p95-steady-noisy-host', kind: 'known-weak', series: 'latency', noise: 0.06, drift: 0, demand: {} },
]

const MARGIN: readonly Family[] = [
  memory('margin', 'delta-short', { growth: leak(1) }, { failMax: 0.05, passMax: 0.05 }),
  memory('margin', 'delta-long', { noise: LONG_MEMORY, growth: leak(1) }, { failMax: 0.05, passMax: 0.05 }),
  {
    id: 'p95-10-percent',
    kind: 'margin',
    series: 'latency',
    noise: 0.03,
    drift: 0.1,
    demand: { failMax: 0.05, passMax: 0.05 },
  },
]

const DEFECTS: readonly Family[] = [
  memory('defect', 'leak-2-short', { growth: leak(2) }, missed),
  memory('defect', 'leak-2-long', { noise: LONG_MEMORY, growth: leak(2) }, missed),
  ...[5, 20, 50, 200].map((rate) =>
    memory('defect', `leak-${rate}`, { growth: leak(rate) }, { passMax: 0, failMin: 0.99 }),
  ),
  memory('defect', 'bursts-2-short', { growth: bursts(2) }, missed),
  memory('defect', 'bursts-2-long', { noise: LONG_MEMORY, growth: bursts(2) }, missed),
  memory(
    'defect',
    'leak-2-wave',
    { noise: { ...SHORT_MEMORY, waveMib: 6 }, growth: leak(2) },
    { passMax: 0 },
  ),
  memory(
    'defect',
    'leak-2-scrapes-missing',
    { noise: { ...SHORT_MEMORY, missing: 0.02 }, growth: leak(2) },
    missed,
  ),
  memory(
    'defect',
    'leak-2-plateaus-4',
    { noise: { ...SHORT_MEMORY, quantumMib: 4 }, growth: leak(2) },
    { passMax: 0 },
  ),
  memory(
    'defect',
    'leak-2-plateaus-16',
    { noise: { ...SHORT_MEMORY, quantumMib: 16 }, growth: leak(2) },
    { passMax: 0 },
  ),
  ...[2, 3, 5].map((rate) => memory('defect', `late-${rate}`, { growth: late(rate) }, notPassed)),
  memory('defect', 'late-2-long', { noise: LONG_MEMORY, growth: late(2) }, notPassed),
  ...[1, 5].map(
    (rate): Family =>
      ({
        ...memory('defect', `restart-masks-${rate}`, { growth: restarted(rate) }, notPassed),
        restartAtHours: RESTART_AT,
      }) as Family,
  ),
  ...[20, 40, 200].map((mib) =>
    memory('defect', `step-${mib}`, { growth: step(mib, 30) }, { failMax: 0.01, passMax: 0.01 }),
  ),
  memory('defect', 'cache-fill-3h', { growth: cache(80, 3) }, { failMax: 0.01 }),
  memory('defect', 'cache-fill-8h', { growth: cache(80, 8) }, { failMax: 0.01, passMax: 0.01 }),
  {
    id: 'p95-20-percent',
    kind: 'defect',
    series: 'latency',
    noise: 0.03,
    drift: 0.2,
    demand: { passMax: 0, failMin: 0.8 },
  },
  {
    id: 'p95-40-percent',
    kind: 'defect',
    series: 'latency',
    noise: 0.03,
    drift: 0.4,
    demand: { passMax: 0, failMin: 0.98 },
  },
]

/** Every family, healthy ones first. Units: MiB, MiB/h; delta is 1 MiB/h, and 10 % for a p95. */
export const FAMILIES: readonly Family[] = [...HEALTHY, ...KNOWN_WEAK, ...MARGIN, ...DEFECTS]
