import { longSoakCases } from './long-soak-cases.ts'
import { testPlantedCases } from './testing.ts'

testPlantedCases(longSoakCases())
