import { checkCases } from './check-cases.ts'
import { soakCases } from './soak-cases.ts'
import { testPlantedCases } from './testing.ts'

testPlantedCases([...soakCases(), ...checkCases()])
