import { PROFILES } from '../../profiles.ts'
import { runParameters } from '../../run-parameters.ts'
import type { Parameters } from '../../engine/types.ts'
import type { PlantedCase } from './planted-case.ts'
import type { Plant } from './planted-series.ts'
import { type SoakShape, soundLatencies, soundSoak } from './sound-soak.ts'

export const HOURS = 48
const SCRAPE_SECONDS = 300
export const MIB = 1024 * 1024
export const LONG_SOAK: SoakShape = {
  seconds: HOURS * 3600,
  drainSeconds: 600,
  planned: { chat: 172_800, action: 86_400, voice: 14_400 },
}

export function longSoakParameters(scrapeSeconds: number): Parameters {
  return {
    ...runParameters(PROFILES.release),
    S: scrapeSeconds,
    SOAK_SECONDS: LONG_SOAK.seconds,
    DRAIN: LONG_SOAK.drainSeconds,
    PLANNED_CHAT: LONG_SOAK.planned.chat,
    PLANNED_ACTION: LONG_SOAK.planned.action,
    PLANNED_VOICE: LONG_SOAK.planned.voice,
  }
}

/** Two days at a coarse scrape with something planted into them. */
export function twoDays(name: string, plant: Plant, expect: PlantedCase['expect']): PlantedCase {
  const series = plant([...soundSoak(LONG_SOAK), ...soundLatencies()])
  return {
    name,
    gate: 'soak',
    seconds: LONG_SOAK.seconds,
    scrapeSeconds: SCRAPE_SECONDS,
    parameters: longSoakParameters(SCRAPE_SECONDS),
    series,
    expect,
  }
}
