import type { PlantedCase } from './planted-case.ts'
import { checkCases } from './check-cases.ts'
import { longSoakCases } from './long-soak-cases.ts'
import { soakCases } from './soak-cases.ts'

/** Every planted case of every gate. */
export function plantedCases(): readonly PlantedCase[] {
  return [...soakCases(), ...longSoakCases(), ...checkCases()]
}
