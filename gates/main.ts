import { hostOfProcess } from './host.ts'
import { runProgram } from './program.ts'

const host = hostOfProcess(process)
process.exitCode = await runProgram(host)
// Nothing may hold the program open: whatever still does was not stopped and is reported by the proofs.
process.exit()
