import { oneHour } from './one-hour.ts'
import type { PlantedCase } from './planted-case.ts'
import { FAULTS } from './soak-faults.ts'
import { WITHOUT_DATA } from './soak-without-data.ts'
import { WITHOUT_LOAD } from './soak-without-load.ts'

/** One hour with one thing wrong; what nothing is said about may say anything but is compared by the mutation run. */
export function soakCases(): readonly PlantedCase[] {
  return [...SOUND, ...WITHOUT_DATA, ...WITHOUT_LOAD, ...FAULTS]
}

const SOUND: readonly PlantedCase[] = [oneHour('a sound hour', (series) => series, { '*': 'PASS' })]
