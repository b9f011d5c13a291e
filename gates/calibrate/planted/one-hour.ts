import { PROFILES } from '../../profiles.ts'
import { runParameters } from '../../run-parameters.ts'
import type { PlantedCase } from './planted-case.ts'
import type { Plant } from './planted-series.ts'
import { type SoakShape, soundSoak } from './sound-soak.ts'

export const HOUR: SoakShape = {
  seconds: 3600,
  drainSeconds: 60,
  planned: { chat: 3600, action: 1800, voice: 300 },
}

/** An hour of soak at 15 s with something planted into it. */
export function oneHour(name: string, plant: Plant, expect: PlantedCase['expect']): PlantedCase {
  return {
    name,
    gate: 'soak',
    seconds: HOUR.seconds,
    scrapeSeconds: 15,
    parameters: PARAMETERS,
    series: plant(soundSoak(HOUR)),
    expect,
  }
}

const PARAMETERS = {
  ...runParameters(PROFILES.ci),
  S: 15,
  SOAK_SECONDS: HOUR.seconds,
  DRAIN: HOUR.drainSeconds,
  PLANNED_CHAT: HOUR.planned.chat,
  PLANNED_ACTION: HOUR.planned.action,
  PLANNED_VOICE: HOUR.planned.voice,
}

export const everything = { name: '*' }
